"""The history checker: each kind of fault is found, and what is no fault is not called one."""

from __future__ import annotations

from rules_engine.testing import Effect, Expected, HistoryReport, Inversion, Stale, check_history

LANE = ("copy", "o-1")


def owed(*sequences: int, item: str = "o-1", action: str = "put") -> list[Expected]:
    return [Expected(f"{item}/{action}/{each}", "copy", action, item, each) for each in sequences]


def seen(*sequences: int, item: str = "o-1", action: str = "put") -> list[Effect]:
    return [Effect(f"{item}/{action}/{each}", "copy", action, item, each) for each in sequences]


def findings(report: HistoryReport) -> tuple[list[int], list[tuple[int, int]], list[tuple[int, int]]]:
    """(lost, (late, after) of each inversion, (last, newest) of each stale value)."""
    return (
        [each.sequence for each in report.lost],
        [(each.late.sequence, each.after) for each in report.inversions],
        [(each.last, each.newest) for each in report.stale],
    )


def test_what_arrives_in_order_is_clean() -> None:
    report = check_history(owed(1, 2, 3), seen(1, 2, 3))
    assert report == HistoryReport(3, 3, [], [], [], [], 0, 0, 0)
    assert report.is_clean
    assert str(report) == (
        "3 owed, 3 seen: 0 lost, 0 inversions, 0 stale, 0 unexpected, 0 duplicates (0 of them late), "
        "0 dead-lettered"
    )


def test_what_never_arrives_is_lost_unless_it_is_in_the_dead_letter_queue_or_superseded() -> None:
    report = check_history(owed(1, 2, 3, 4), seen(1), dead_letters=["o-1/put/2"], superseded=["o-1/put/3"])
    assert (findings(report), report.dead_lettered) == (([4], [], []), 1)
    assert not report.is_clean


def test_a_first_effect_after_a_later_change_of_its_lane_is_an_inversion() -> None:
    report = check_history(owed(1, 2, 3), seen(1, 3, 2))
    assert report.inversions == [Inversion(LANE, seen(2)[0], 3)]
    assert report.stale == [Stale(LANE, "put", 2, 3)]


def test_lanes_are_independent_of_each_other() -> None:
    effects = [*seen(2), *seen(1, item="o-2"), *seen(3), *seen(2, item="o-2")]
    assert check_history([*owed(2, 3), *owed(1, 2, item="o-2")], effects).is_clean


def test_actions_of_one_record_may_come_in_any_order_but_not_after_a_later_record() -> None:
    expected = [*owed(1, 2), *owed(1, 2, action="log")]
    fine = [*seen(1, action="log"), *seen(1), *seen(2), *seen(2, action="log")]
    assert check_history(expected, fine).is_clean
    wrong = [*seen(1), *seen(2), *seen(1, action="log"), *seen(2, action="log")]
    assert findings(check_history(expected, wrong)) == ([], [(1, 2)], [])


def test_a_whole_repeat_in_order_is_duplicates_and_no_fault() -> None:
    report = check_history(owed(1, 2, 3), seen(1, 2, 1, 2, 3))
    assert (report.is_clean, report.duplicates, report.late_repeats) == (True, 2, 1)


def test_a_late_repeat_that_comes_last_leaves_a_stale_value() -> None:
    report = check_history(owed(1, 2), seen(1, 2, 1))
    assert findings(report) == ([], [], [(1, 2)])
    assert (report.duplicates, report.late_repeats) == (1, 1)


def test_an_older_value_is_not_stale_where_the_newer_one_was_dead_lettered() -> None:
    assert check_history(owed(1, 2), seen(1), dead_letters=["o-1/put/2"]).is_clean


def test_what_took_effect_and_is_in_the_dead_letter_queue_all_the_same_is_not_owed_to_its_target() -> None:
    report = check_history(owed(1, 2, 3), seen(1, 2, 3, 1, 2), dead_letters=["o-1/put/3"])
    assert (findings(report), report.duplicates, report.late_repeats) == (([], [], []), 2, 2)


def test_a_dead_letter_excuses_no_value_that_is_older_than_what_is_owed() -> None:
    report = check_history(owed(1, 2, 3), seen(1, 2, 3, 1), dead_letters=["o-1/put/3"])
    assert findings(report) == ([], [], [(1, 2)])


def test_what_was_dead_lettered_may_be_redriven_late() -> None:
    report = check_history(owed(1, 2), seen(2, 1), dead_letters=["o-1/put/1"])
    assert findings(report) == ([], [], [(1, 2)])


def test_what_nobody_owed_is_unexpected() -> None:
    report = check_history(owed(1), seen(1, 2))
    assert report.unexpected == seen(2)
    assert not report.is_clean
