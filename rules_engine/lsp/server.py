"""The server process: an editor's messages on standard input, ours on standard output.

In: the paths of the rules in a workspace, and where a problem code is explained. A change of any text starts
the analysis of the whole set, once the author has paused; it runs in a thread, so questions are answered
meanwhile. One analysis at a time: what changed while it ran is looked at by the next.
"""

from __future__ import annotations

import asyncio
import os
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from rules_engine.lsp.completion import complete
from rules_engine.lsp.definition import define
from rules_engine.lsp.diagnostics import diagnostic, location_of
from rules_engine.lsp.hover import hover
from rules_engine.lsp.mends import formatting, mends
from rules_engine.lsp.outline import LINE_END
from rules_engine.lsp.workspace import Analysis, Known, analyse, is_rule_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pygls.workspace import PositionCodec, TextDocument

    from rules_engine.errors import Problem
    from rules_engine.lsp.completion import Completion, Kind

PAUSE_SECONDS = 0.2
"""How long no text must have changed before the rules are read: about the gap between two words typed."""

_KINDS: dict[Kind, types.CompletionItemKind] = {
    "key": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.EnumMember,
    "function": types.CompletionItemKind.Function,
    "field": types.CompletionItemKind.Variable,
    "name": types.CompletionItemKind.Constant,
    "attribute": types.CompletionItemKind.Field,
    "rule": types.CompletionItemKind.Reference,
}


Question = types.HoverParams | types.CompletionParams | types.DefinitionParams


class RulesServer(LanguageServer):
    """What is open, what was last found out, and the wait for the next analysis."""

    def __init__(self, paths: Sequence[str], page_of: Callable[[str], str | None]) -> None:
        super().__init__(
            "rules-engine",
            version("dynamodb-rules-engine"),
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
        )
        self.paths = paths
        self.page_of = page_of
        self.analysis = Analysis()
        self._known: Known = {}
        self._analysed: dict[str, int | None] = {}
        """By real path, the version of each open text that the analysis is about."""
        self._published: set[str] = set()
        self._said: set[str] = set()
        self._wait: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed_meanwhile = False

    @cached_property
    def codec(self) -> PositionCodec:
        """How the client counts columns, agreed on when it connected."""
        return self.workspace.position_codec

    def changed(self) -> None:
        """Look at the rules again, after a pause."""
        if self._wait is not None:
            self._wait.cancel()
        self._wait = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._begin)

    def _begin(self) -> None:
        if self._task is not None and not self._task.done():
            self._changed_meanwhile = True
        else:
            self._task = asyncio.create_task(self._analyse())

    async def _analyse(self) -> None:
        self._changed_meanwhile = False
        texts = {
            _real(one.uri): (one.uri, one.source, one.version)
            for one in self._opened()
            if self.is_rule_file(one.uri)
        }
        buffers = {path: text.encode("utf-8", "surrogatepass") for path, (_, text, _) in texts.items()}
        try:
            self.analysis = await asyncio.to_thread(
                analyse, self._folders(), self.paths, buffers, self._known
            )
        except Exception as error:  # noqa: BLE001 - one text must not end the server; the author is told
            message = f"rules-engine failed: {type(error).__name__}: {error}. Please report it."
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, message))
        else:
            self._analysed = {path: text_version for path, (_, _, text_version) in texts.items()}
            self._publish({path: (uri, text_version) for path, (uri, _, text_version) in texts.items()})
        # Also after a failure: the newer text may be none.
        if self._changed_meanwhile:
            self._task = asyncio.create_task(self._analyse())

    def _opened(self) -> list[TextDocument]:
        """The open texts, each with its URI as the client writes it: the keys are not, but decoded."""
        return list(self.workspace.text_documents.values())

    def _folders(self) -> list[str]:
        found = [to_fs_path(folder.uri) for folder in self.workspace.folders.values()]
        root = self.workspace.root_path
        return [folder for folder in found if folder] or [root or str(Path.cwd())]

    def _publish(self, opened: dict[str, tuple[str, int | None]]) -> None:
        """The problems of each file: of all that have some, that had some, or that are open."""
        lines_of = cache(self.lines_of)
        for path in sorted({*self.analysis.problems, *self._published, *opened}):
            uri, text_version = opened.get(path, (from_fs_path(path) or "", None))
            found = [
                diagnostic(problem, lines_of, self.codec, self.page_of(problem.code))
                for problem in self.analysis.problems.get(path, [])
            ]
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(uri, found, version=text_version)
            )
        self._published = set(self.analysis.problems)
        for problem in self.analysis.elsewhere:
            if problem.message not in self._said:
                self._said.add(problem.message)
                said = types.LogMessageParams(types.MessageType.Warning, f"{problem.code} {problem.message}")
                self.window_log_message(said)

    def is_rule_file(self, uri: str) -> bool:
        """Whether a text belongs to the rules; an editor may send every YAML file that it opens."""
        return is_rule_file(_real(uri), self._folders(), self.paths)

    def text_of(self, uri: str) -> str | None:
        """What an open text holds; None for one that was closed meanwhile."""
        real = _real(uri)
        return next((one.source for one in self._opened() if _real(one.uri) == real), None)

    def lines_of(self, path: str) -> list[str]:
        """The lines of a file as its author sees them: of the open text, or else from the disk."""
        opened = self.text_of(from_fs_path(path) or "")
        if opened is not None:
            return LINE_END.split(opened)
        try:
            return LINE_END.split(Path(path).read_bytes().decode("utf-8", "replace"))
        except OSError:
            return []

    def problems_of(self, uri: str) -> list[Problem]:
        """What is known of a text as it is now: nothing while its analysis is still to come."""
        path = _real(uri)
        is_known = self._analysed.get(path) == self.workspace.get_text_document(uri).version
        return self.analysis.problems.get(path, []) if is_known else []

    def place_of(self, params: Question) -> tuple[str, str, int, int] | None:
        """(path, text, line, column in characters) of what is asked about; None if it is no rule file."""
        uri, at = params.text_document.uri, params.position
        text = self.text_of(uri)
        if text is None or not self.is_rule_file(uri):
            return None
        lines = LINE_END.split(text)
        if at.line >= len(lines):
            return None
        position = types.Position(0, at.character)
        column = self.codec.position_from_client_units([lines[at.line]], position).character
        return _real(uri), text, at.line, column

    def ranges_of(self, params: Question, stretches: Sequence[tuple[int, int]]) -> list[types.Range]:
        """Stretches of columns of the line that a question is about, in the client's units."""
        line = params.position.line
        text = self.text_of(params.text_document.uri) or ""
        written = LINE_END.split(text)[line] if stretches else ""
        units = self.codec.client_num_units
        return [
            types.Range(
                types.Position(line, units(written[:start])), types.Position(line, units(written[:end]))
            )
            for start, end in stretches
        ]


def make_server(paths: Sequence[str], page_of: Callable[[str], str | None]) -> RulesServer:
    """The server for rules at `paths` below each folder of the workspace. `page_of` is asked with a code."""
    server = RulesServer(paths, page_of)
    _follow_changes(server)
    _answer_questions(server)
    _write(server)
    return server


def _follow_changes(server: RulesServer) -> None:
    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        workspace = server.client_capabilities.workspace
        watched = workspace.did_change_watched_files if workspace is not None else None
        if watched is not None and watched.dynamic_registration:
            files = types.FileSystemWatcher("**/*.{yaml,yml}")
            options = types.DidChangeWatchedFilesRegistrationOptions([files])
            registration = types.Registration("rules", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            server.client_register_capability(types.RegistrationParams([registration]))
        server.changed()

    for event in (
        types.TEXT_DOCUMENT_DID_OPEN,
        types.TEXT_DOCUMENT_DID_CHANGE,
        types.TEXT_DOCUMENT_DID_SAVE,
        types.TEXT_DOCUMENT_DID_CLOSE,
        types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS,
    ):
        server.feature(event)(lambda _: server.changed())


def _answer_questions(server: RulesServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def on_hover(params: types.HoverParams) -> types.Hover | None:
        place = server.place_of(params)
        found = hover(*place) if place is not None else None
        if found is None:
            return None
        content = types.MarkupContent(types.MarkupKind.Markdown, found.markdown)
        (at,) = server.ranges_of(params, [(found.start, found.end)])
        return types.Hover(content, at)

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", "&", "{", " ", "-"])
    )
    def on_completion(params: types.CompletionParams) -> list[types.CompletionItem]:
        place = server.place_of(params)
        found = complete(*place, server.analysis.rules) if place is not None else []
        ranges = server.ranges_of(params, [(one.start, one.end) for one in found])
        return [_item(one, number, at) for number, (one, at) in enumerate(zip(found, ranges, strict=True))]

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def on_definition(params: types.DefinitionParams) -> types.Location | None:
        place = server.place_of(params)
        found = define(*place, server.analysis.rules) if place is not None else None
        return None if found is None else location_of(found, server.lines_of, server.codec)


def _write(server: RulesServer) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    def on_code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        lines_of = cache(server.lines_of)
        return list(mends(server.problems_of(uri), uri, params.range, lines_of, server.codec))

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def on_formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        uri = params.text_document.uri
        text = server.text_of(uri)
        return formatting(_real(uri), text) if text is not None and server.is_rule_file(uri) else []


def _item(one: Completion, number: int, at: types.Range) -> types.CompletionItem:
    content = types.MarkupContent(types.MarkupKind.Markdown, one.documentation)
    return types.CompletionItem(
        label=one.label,
        kind=_KINDS[one.kind],
        detail=one.detail or None,
        documentation=content if one.documentation else None,
        sort_text=f"{number:03}",
        text_edit=types.TextEdit(at, one.insert),
    )


def _real(uri: str) -> str:
    """The real path of a text; for one that is no file, its URI."""
    path = to_fs_path(uri)
    return os.path.realpath(path) if path else uri
