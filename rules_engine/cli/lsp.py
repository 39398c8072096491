"""`rules-engine lsp`: the language server, for an editor to start.

In: the protocol's messages on standard input. Out: the answers on standard output, which therefore nothing
else may write to. It needs the extra `lsp`.
"""

from __future__ import annotations

import importlib.util

import click

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.rule_files import DEFAULT_PATHS
from rules_engine.errors import RulesEngineError


@click.command("lsp", short_help="Serve an editor: problems, hover, completion.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
def command(paths: tuple[str, ...]) -> int:
    """Serve an editor by the Language Server Protocol, on standard input and output.

    PATHS (default: rules) are where rules lie below each folder of the workspace. The problems are those of
    'rules-engine validate', for the texts as they are in the editor. Editors start this command themselves.

    It needs one more package: pip install 'dynamodb-rules-engine[lsp]'

    \b
    Example:
      rules-engine lsp rules
    """
    if importlib.util.find_spec("pygls") is None:
        raise RulesEngineError(
            "the language server needs 'pygls', which is not installed: "
            "pip install 'dynamodb-rules-engine[lsp]'"
        )
    from rules_engine.lsp.server import make_server

    make_server(paths or DEFAULT_PATHS, _page).start_io()
    return OK


def _page(code: str) -> str | None:
    """Where the page of a problem code can be read without a network: a file of this package."""
    from rules_engine.cli.code_pages import page_path

    path = page_path(code)
    return path.as_uri() if path.exists() else None
