"""An editor for tests: starts the real server process and speaks to it over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path


class Editor:
    """What an editor knows: the diagnostics last published for each file."""

    def __init__(self, client: LanguageClient, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self.published: dict[str, types.PublishDiagnosticsParams] = {}
        self.messages: list[str] = []
        self._news = asyncio.Condition()

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    async def heard(self, params: types.PublishDiagnosticsParams) -> None:
        async with self._news:
            self.published[params.uri] = params
            self._news.notify_all()

    async def said(self, message: str) -> None:
        async with self._news:
            self.messages.append(message)
            self._news.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something that the server said makes `holds` true."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(holds), timeout=60)

    def open(self, name: str, text: str, version: int = 1) -> None:
        document = types.TextDocumentItem(self.uri(name), "yaml", version, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))

    def change(self, name: str, text: str, version: int) -> None:
        document = types.VersionedTextDocumentIdentifier(version, self.uri(name))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def close(self, name: str) -> None:
        document = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(document))

    async def diagnostics(self, name: str, version: int | None = 1) -> list[types.Diagnostic]:
        """Those of one version of a text, as soon as they are there."""
        uri = self.uri(name)
        await self.until(lambda: uri in self.published and self.published[uri].version == version)
        return list(self.published[uri].diagnostics)

    def at(self, name: str, line: int, character: int) -> dict[str, Any]:
        document = types.TextDocumentIdentifier(self.uri(name))
        return {"text_document": document, "position": types.Position(line, character)}

    async def hover(self, name: str, line: int, character: int) -> types.Hover | None:
        return await self.client.text_document_hover_async(
            types.HoverParams(**self.at(name, line, character))
        )

    async def completion(self, name: str, line: int, character: int) -> list[types.CompletionItem]:
        found = await self.client.text_document_completion_async(
            types.CompletionParams(**self.at(name, line, character))
        )
        assert isinstance(found, list)
        return found

    async def mends(self, name: str, at: types.Range) -> list[types.CodeAction]:
        document = types.TextDocumentIdentifier(self.uri(name))
        context = types.CodeActionContext(diagnostics=[])
        found = await self.client.text_document_code_action_async(
            types.CodeActionParams(document, at, context)
        )
        return [one for one in found or [] if isinstance(one, types.CodeAction)]

    async def formatting(self, name: str) -> list[types.TextEdit]:
        document = types.TextDocumentIdentifier(self.uri(name))
        options = types.FormattingOptions(tab_size=2, insert_spaces=True)
        found = await self.client.text_document_formatting_async(
            types.DocumentFormattingParams(document, options)
        )
        return list(found or [])

    async def definition(self, name: str, line: int, character: int) -> Any:
        return await self.client.text_document_definition_async(
            types.DefinitionParams(**self.at(name, line, character))
        )


def with_editor(
    folder: Path,
    session: Callable[[Editor], Awaitable[None]],
    encodings: list[types.PositionEncodingKind | str] | None = None,
    folders: Sequence[Path] | None = None,
) -> None:
    """One session with a server for `folder`, which must end by itself afterwards, with exit code 0."""
    opened = [types.WorkspaceFolder(one.as_uri(), one.name) for one in folders or [folder]]

    async def run() -> None:
        client = LanguageClient("tests", "1")
        editor = Editor(client, folder)

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        async def heard(params: types.PublishDiagnosticsParams) -> None:
            await editor.heard(params)

        @client.feature(types.WINDOW_LOG_MESSAGE)
        async def logged(params: types.LogMessageParams) -> None:
            await editor.said(params.message)

        @client.feature(types.WINDOW_SHOW_MESSAGE)
        async def shown(params: types.ShowMessageParams) -> None:
            await editor.said(params.message)

        await client.start_io(sys.executable, "-m", "rules_engine", "lsp", cwd=folder)
        general = types.GeneralClientCapabilities(position_encodings=encodings)
        await client.initialize_async(
            types.InitializeParams(
                types.ClientCapabilities(general=general),
                workspace_folders=opened,
            )
        )
        client.initialized(types.InitializedParams())
        try:
            await session(editor)
        finally:
            await client.shutdown_async(None)
            client.exit(None)
            process = client._server
            assert process is not None
            assert process.stderr is not None
            errors = (await process.stderr.read()).decode()
            await client.stop()
        assert (process.returncode, errors) == (0, "")

    asyncio.run(run())
