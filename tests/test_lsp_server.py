"""The language server as an editor meets it: the real process, over standard input and output."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types

from rules_engine.cli.code_pages import page_path
from rules_engine.loader import load_rules
from tests.lsp_client import Editor, with_editor

if TYPE_CHECKING:
    from rules_engine.errors import Problem

CASES = sorted((Path(__file__).parent / "cases/validate").iterdir())

SOUND = """\
version: 1
rules:
  - id: order-shipped
    table: orders
    when: became(&status, 'SHIPPED')
    actions: [{type: log}]
    tests:
      - name: fires
        record: {event: MODIFY, keys: {id: o-1}, old: {status: PACKED}, new: {status: SHIPPED}}
        expect: {match: true}
"""

WRONG = SOUND.replace("became", "becomes")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/orders.yaml").write_text(SOUND)
    return tmp_path


def test_an_open_text_is_checked_in_place_of_its_file(project: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("rules/orders.yaml", WRONG)
        assert await editor.diagnostics("rules/orders.yaml") == [
            types.Diagnostic(
                range=types.Range(types.Position(4, 10), types.Position(4, 17)),
                message="unknown function 'becomes'\nhint: did you mean 'became'?",
                severity=types.DiagnosticSeverity.Error,
                code="RE204",
                code_description=types.CodeDescription(page_path("RE204").as_uri()),
                source="rules-engine",
            )
        ]
        editor.change("rules/orders.yaml", SOUND, version=2)
        assert await editor.diagnostics("rules/orders.yaml", version=2) == []

    with_editor(project, session)


def test_an_open_text_that_is_closed_unsaved_no_longer_counts(project: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("rules/orders.yaml", WRONG)
        assert len(await editor.diagnostics("rules/orders.yaml")) == 1
        editor.close("rules/orders.yaml")
        assert await editor.diagnostics("rules/orders.yaml", version=None) == []

    with_editor(project, session)


def test_a_problem_with_one_safe_mend_is_mended(project: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("rules/orders.yaml", EMOJI.replace("&& becomes", "and became"))
        (found,) = await editor.diagnostics("rules/orders.yaml")
        (mend,) = await editor.mends("rules/orders.yaml", types.Range(found.range.end, found.range.end))
        assert (mend.title, mend.kind, mend.is_preferred) == ("write '&&'", "quickfix", True)
        assert mend.diagnostics is not None
        assert [one.message for one in mend.diagnostics] == [found.message]
        assert mend.edit == types.WorkspaceEdit(
            changes={editor.uri("rules/orders.yaml"): (types.TextEdit(found.range, "&&"),)}
        )
        line = types.Position(0, 0)
        assert await editor.mends("rules/orders.yaml", types.Range(line, line)) == []

    with_editor(project, session)


def test_a_text_is_formatted_as_fmt_does_it(project: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open(
            "rules/orders.yaml", "rules:\n- table: orders   # why\n  id: a\n  actions: [ {type: log} ]\n"
        )
        (edit,) = await editor.formatting("rules/orders.yaml")
        assert edit.range == types.Range(types.Position(0, 0), types.Position(5, 0))
        editor.change("rules/orders.yaml", edit.new_text, version=2)
        assert await editor.formatting("rules/orders.yaml") == []
        (project / "rules/orders.yaml").write_text(edit.new_text)
        command = [sys.executable, "-m", "rules_engine", "fmt", "--check"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        editor.change("rules/orders.yaml", "rules: [", version=3)
        assert await editor.formatting("rules/orders.yaml") == []

    with_editor(project, session)


def test_a_problem_between_files_names_both_and_goes_with_its_cause(project: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("rules/orders.yaml", SOUND)
        editor.open("rules/again.yaml", SOUND)  # it is not on the disk yet
        place = types.Range(types.Position(2, 8), types.Position(2, 21))
        assert await editor.diagnostics("rules/again.yaml") == [
            types.Diagnostic(
                range=place,
                message="two rules have the id 'order-shipped'\n"
                "hint: give one of them another id; a rule that was deployed should keep its own",
                severity=types.DiagnosticSeverity.Error,
                code="RE401",
                code_description=types.CodeDescription(page_path("RE401").as_uri()),
                source="rules-engine",
                related_information=(
                    types.DiagnosticRelatedInformation(
                        types.Location(editor.uri("rules/orders.yaml"), place), "the first one is here"
                    ),
                ),
            )
        ]
        # Mended at its other end: the text that was not touched is told, too.
        other = SOUND.replace("order-shipped", "parcel-shipped").replace("orders", "parcels")
        editor.change("rules/orders.yaml", other, version=2)
        assert await editor.diagnostics("rules/orders.yaml", version=2) == []
        await editor.until(lambda: not editor.published[editor.uri("rules/again.yaml")].diagnostics)

    with_editor(project, session)


def test_a_file_that_changes_on_the_disk_is_read_again(project: Path) -> None:
    async def session(editor: Editor) -> None:
        (project / "rules/orders.yaml").write_text(WRONG)
        created = types.FileEvent(editor.uri("rules/orders.yaml"), types.FileChangeType.Changed)
        editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([created]))
        (found,) = await editor.diagnostics("rules/orders.yaml", version=None)
        assert found.code == "RE204"

    with_editor(project, session)


def shown(found: types.Diagnostic) -> tuple[Any, ...]:
    """Of a diagnostic what `expected` makes of a problem."""
    start, end = found.range.start, found.range.end
    place = (start.line + 1, start.character + 1, end.character - start.character)
    related = [(one.location.range.start.line + 1, one.message) for one in found.related_information or ()]
    return found.code, found.severity, place, found.message, related


def expected(problem: Problem) -> tuple[Any, ...]:
    """A problem of a file that has no character outside of the basic plane."""
    severity = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}
    place = (problem.location.line, problem.location.column, problem.location.length)
    related = [(place.line, message) for place, message in problem.related]
    hint = f"\nhint: {problem.hint}" if problem.hint else ""
    return problem.code, severity[problem.severity], place, problem.message + hint, related


def test_the_diagnostics_of_every_case_are_what_validate_reports(tmp_path: Path) -> None:
    # A folder of the workspace is a rule set of its own.
    folders = [tmp_path / case.name for case in CASES]
    for case, folder in zip(CASES, folders, strict=True):
        shutil.copytree(case, folder / "rules")
    reported: dict[str, list[tuple[Any, ...]]] = {}
    for folder in folders:
        for problem in load_rules([folder / "rules"])[1]:
            if Path(problem.location.path).is_file():
                uri = Path(problem.location.path).as_uri()
                reported.setdefault(uri, []).append(expected(problem))

    async def session(editor: Editor) -> None:
        await editor.until(lambda: set(editor.published) == set(reported))
        assert {uri: [shown(d) for d in one.diagnostics] for uri, one in editor.published.items()} == reported

    with_editor(tmp_path, session, folders=folders)


EMOJI = SOUND.replace(
    "became(&status, 'SHIPPED')", "new.name == '\U0001f600é' && becomes(&status, 'SHIPPED')"
)


@pytest.mark.parametrize(
    ("encodings", "start"),
    [(None, 31), (["utf-32", "utf-16"], 30), (["utf-8"], 34)],
)
def test_columns_are_counted_as_the_client_counts_them(
    encodings: list[types.PositionEncodingKind | str] | None, start: int, project: Path
) -> None:
    async def session(editor: Editor) -> None:
        editor.open("rules/orders.yaml", EMOJI)
        (found,) = await editor.diagnostics("rules/orders.yaml")
        assert found.range == types.Range(types.Position(4, start), types.Position(4, start + 7))
        editor.change("rules/orders.yaml", EMOJI.replace("becomes", "becam"), version=2)
        (item,) = await editor.completion("rules/orders.yaml", 4, start + 5)
        assert item.text_edit == types.TextEdit(
            types.Range(types.Position(4, start), types.Position(4, start + 5)), "became("
        )
        editor.change("rules/orders.yaml", EMOJI.replace("becomes", "became"), version=3)
        hovered = await editor.hover("rules/orders.yaml", 4, start + 6)
        assert hovered is not None
        assert hovered.range == types.Range(types.Position(4, start), types.Position(4, start + 6))

    with_editor(project, session, encodings)


def test_hover_and_completion_answer_about_a_place(project: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("rules/orders.yaml", SOUND.replace("table: orders", "event: E"))
        assert await editor.hover("rules/orders.yaml", 4, 6) == types.Hover(
            types.MarkupContent(
                types.MarkupKind.Markdown,
                "**when** A condition, or a list of conditions of which all must hold.\n\n"
                "```yaml\nwhen: became(&status, 'SHIPPED')\n```",
            ),
            types.Range(types.Position(4, 4), types.Position(4, 8)),
        )
        place = types.Range(types.Position(3, 11), types.Position(3, 12))
        assert await editor.completion("rules/orders.yaml", 3, 12) == [
            types.CompletionItem(
                label="EXPIRE",
                kind=types.CompletionItemKind.EnumMember,
                sort_text="000",
                text_edit=types.TextEdit(place, "EXPIRE"),
            )
        ]

    with_editor(project, session)


TESTS = """\
version: 1
tests:
  - name: nothing else fires
    record: {event: INSERT, keys: {id: o-1}, new: {status: NEW}}
    rule: order-shipped
    expect: {match: false}
"""


def test_a_test_leads_to_the_rule_that_it_is_about(project: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("rules/orders.test.yaml", TESTS)
        assert await editor.diagnostics("rules/orders.test.yaml") == []
        assert await editor.definition("rules/orders.test.yaml", 4, 12) == types.Location(
            editor.uri("rules/orders.yaml"),
            types.Range(types.Position(2, 8), types.Position(2, 21)),
        )
        (item,) = await editor.completion("rules/orders.test.yaml", 4, 13)
        assert (item.label, item.kind) == ("order-shipped", types.CompletionItemKind.Reference)

    with_editor(project, session)


def test_other_yaml_files_of_the_workspace_are_left_alone(project: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("docker-compose.yaml", WRONG)
        editor.open("rules/orders.yaml", SOUND)
        assert await editor.diagnostics("rules/orders.yaml") == []
        assert set(editor.published) == {editor.uri("rules/orders.yaml")}
        assert await editor.hover("docker-compose.yaml", 4, 6) is None
        assert await editor.completion("docker-compose.yaml", 4, 4) == []
        assert await editor.definition("docker-compose.yaml", 4, 6) is None

    with_editor(project, session)


def test_any_name_of_a_folder_comes_back_as_the_client_writes_it(tmp_path: Path) -> None:
    folder = tmp_path / "my rules é 100%20 #1?"
    (folder / "rules").mkdir(parents=True)
    (folder / "rules/saved.yaml").write_text(SOUND)

    async def session(editor: Editor) -> None:
        editor.open("rules/wrong.yaml", WRONG.replace("order-shipped", "another"))
        assert [one.code for one in await editor.diagnostics("rules/wrong.yaml")] == ["RE204"]
        editor.open("rules/again.yaml", SOUND)
        (found,) = await editor.diagnostics("rules/again.yaml")
        assert found.related_information is not None
        assert [one.location.uri for one in found.related_information] == [editor.uri("rules/saved.yaml")]
        assert set(editor.published) == {editor.uri("rules/wrong.yaml"), editor.uri("rules/again.yaml")}
        assert len(await editor.completion("rules/wrong.yaml", 4, 13)) == 1

    with_editor(folder, session)


def test_a_question_about_a_text_that_is_not_open_has_no_answer(project: Path) -> None:
    async def session(editor: Editor) -> None:
        (project / "rules/closed.yaml").write_text(SOUND)
        for name in ("rules/orders.yaml", "rules/closed.yaml", "rules/none.yaml"):
            if name == "rules/orders.yaml":
                editor.open(name, SOUND)
                editor.close(name)
            assert await editor.hover(name, 4, 6) is None
            assert await editor.completion(name, 4, 14) == []
            assert await editor.definition(name, 4, 6) is None
            assert await editor.formatting(name) == []
            assert await editor.mends(name, types.Range(types.Position(0, 0), types.Position(9, 0))) == []

    with_editor(project, session)


def test_a_workspace_without_rules_is_once_said_to_be_one(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.until(lambda: bool(editor.messages))
        editor.open("rules/orders.yaml", SOUND)
        await editor.diagnostics("rules/orders.yaml")
        # Its answer comes behind whatever else there was to say.
        await editor.hover("rules/orders.yaml", 2, 4)
        assert editor.messages == [
            f"RE101 cannot read '{tmp_path}/rules': there is no such file or directory"
        ]

    with_editor(tmp_path, session)


def test_no_text_ends_the_server(project: Path) -> None:
    async def session(editor: Editor) -> None:
        texts = [
            "",
            "\x00",
            "[" * 40_000,
            "\ud83d: \u202e",
            "rules: [{",
            "- " * 500,
            "a: &a [*a]",
            "\r\r\n: ?",
        ]
        for version, text in enumerate(texts, start=1):
            if version == 1:
                editor.open("rules/orders.yaml", text)
            else:
                editor.change("rules/orders.yaml", text, version)
            assert len(await editor.diagnostics("rules/orders.yaml", version)) >= 1
            await editor.hover("rules/orders.yaml", 0, 3)
            await editor.completion("rules/orders.yaml", 0, 3)
            await editor.definition("rules/orders.yaml", 7, 3)
        assert editor.messages == []

    with_editor(project, session)


def test_without_pygls_the_command_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pygls'] = None; "
        "from rules_engine.cli.main import main; sys.argv[1:] = ['lsp']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "Error: the language server needs 'pygls', which is not installed: "
        "pip install 'dynamodb-rules-engine[lsp]'\n",
    )
