"""A fast wrong answer fails, and figures are judged by their goals. No test depends on how long it took."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from bench.chart import Line, draw
from bench.report import Row, Table, number, render, summary, to_json
from bench.timing import Contender, Effort, WrongAnswer, time_contenders

TEXTS = [json.dumps({"n": place}) for place in range(30)]
EXPECTED = [["even"] if place % 2 == 0 else [] for place in range(30)]
BRIEF = Effort(seconds=1.0, rounds=2, records=30)


def even(record: dict[str, int]) -> list[str]:
    return ["even"] if record["n"] % 2 == 0 else []


def test_every_record_is_checked_and_timed_where_there_is_time() -> None:
    contender = Contender("sound", even, lambda batch: sum(len(even(record)) for record in batch), EXPECTED)
    timing = time_contenders([contender], TEXTS, BRIEF)["sound"]
    assert (timing.records, timing.matches) == (30, 0.5)


def test_without_time_the_first_ten_records_are_checked_and_timed() -> None:
    contender = Contender("sound", even, lambda batch: sum(len(even(record)) for record in batch), EXPECTED)
    timing = time_contenders([contender], TEXTS, Effort(seconds=0.0, rounds=2, records=30))["sound"]
    assert timing.records == 10


def test_a_contender_that_misses_a_match_is_refused() -> None:
    contender = Contender("hasty", lambda record: [], len, EXPECTED)
    with pytest.raises(WrongAnswer, match="hasty, record 0"):
        time_contenders([contender], TEXTS, BRIEF)


def test_a_contender_that_finds_less_when_it_is_timed_is_refused() -> None:
    contender = Contender("sly", even, lambda batch: 0, EXPECTED)
    with pytest.raises(WrongAnswer, match="sly: 0 matches instead of 15"):
        time_contenders([contender], TEXTS, BRIEF)


def test_inputs_are_prepared_of_texts_and_records() -> None:
    contender = Contender(
        "text",
        lambda text: even(json.loads(text)),
        lambda batch: sum(len(even(json.loads(text))) for text in batch),
        EXPECTED,
        prepare=lambda texts, parsed: texts,
    )
    assert time_contenders([contender], TEXTS, BRIEF)["text"].records == 30


@pytest.mark.parametrize(
    ("row", "met", "goal"),
    [
        (Row("a", 0.35, "x", at_most=0.35), True, "<= 0.35"),
        (Row("a", 0.36, "x", at_most=0.35), False, "<= 0.35"),
        (Row("a", 5.0, "x", at_least=5), True, ">= 5"),
        (Row("a", 4.9, "x", at_least=5), False, ">= 5"),
        (Row("a", 4.9, "x"), None, ""),
        (Row("a", None, "x", at_most=1), None, "<= 1"),
        (Row("a", 0, "files", at_most=0), True, "<= 0"),
    ],
    ids=str,
)
def test_a_goal_is_met_missed_or_not_set(row: Row, met: bool | None, goal: str) -> None:
    assert (row.met, row.goal) == (met, goal)


def test_a_table_shows_goals_and_the_change_since_the_committed_figures() -> None:
    table = Table(
        "t",
        "Title",
        [
            Row("fast", 0.5, "x", at_most=1, note="good"),
            Row("slow", 1234.5, "us", at_most=2.5),
            Row("new", None, "s", note="not installed: zen"),
        ],
    )
    before = to_json([Table("t", "Title", [Row("fast", 0.25, "x"), Row("slow", 3.0, "ms")])])["t"]
    assert render(table, before).splitlines() == [
        "Title",
        "      value         goal            was",
        "fast  0.5 x         <= 1    met     2.00 x  good",
        "slow  1,234 us      <= 2.5  MISSED",
        "new   not measured                          not installed: zen",
    ]
    assert summary([table]) == "1 goals met, 1 missed\n  missed  t: slow"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0123456, "0.0123"), (1.5, "1.5"), (99.95, "100"), (12345.6, "12,346")]
)
def test_numbers_have_three_digits_or_all_before_the_point(value: float, text: str) -> None:
    assert number(value) == text


def test_the_chart_places_powers_of_ten_and_keeps_labels_apart() -> None:
    lines = [Line("one", "#111111", [(10, 1), (1000, 10)]), Line("two", "#222222", [(10, 1), (1000, 10)])]
    tree = ElementTree.fromstring(draw("title", lines))
    space = "{http://www.w3.org/2000/svg}"
    drawn = [element.get("points") for element in tree.iter(f"{space}polyline")]
    assert drawn == ["70.0,390.0 590.0,50.0"] * 2
    places = {element.text: element.get("y") for element in tree.iter(f"{space}text")}
    assert (places["one"], places["two"]) == ("54.0", "70.0")
