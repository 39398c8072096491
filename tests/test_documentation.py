"""Every YAML and shell block of the documentation is tried, and prints what it is said to print."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from rules_engine.cli.init import starter_files
from tests.doc_pages import ROOT, blocks, try_page

if TYPE_CHECKING:
    from pathlib import Path

GENERATED = {
    "docs/codes.md": "tests/test_codes.py tries both examples of each code",
    "docs/cli.md": "it is made of what the commands print themselves",
}
"""Pages without a block of their own, and why they are right."""

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
)

JQ = r"""rules-engine validate --format json | jq -r '.problems[] | "\(.path):\(.line) \(.code) \(.message)"'"""  # noqa: E501
STREAM_ARNS = "for table in orders customers payments; do"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012"

LANGUAGES = {"yaml", "sh", "text", "json", "python", "toml", "lua", "elisp", "sql", "mermaid"}

NOT_RUN = {
    "README.md": {
        "make demo": "starts servers; tests/test_local_stack.py runs what it runs",
        "pip install .": "needs a package registry",
        "rules-engine deploy --stack my-rules --set ORDER_EVENTS_TOPIC_ARN=arn:...": "deploys",
    },
    "CONTRIBUTING.md": {"make test": "makes environments and runs everything"},
    "docs/ci.md": {JQ: "jq need not be there"},
    "docs/tutorial.md": {
        "pip install .": "needs a package registry",
        "pip install '.[local]'": "starts servers; tests/test_local_dev.py runs the command",
    },
    "docs/editors.md": {"pip install '.[lsp]'": "needs a package registry"},
    "docs/delivery.md": {f"rules-engine redrive --dry-run {QUEUE}/rules-dead-letters": "reads a queue"},
    "docs/how-to/retries-and-dead-letters.md": {
        f"rules-engine redrive --rule order-shipped --rate 5 {QUEUE}/dead-letters": "reads a queue",
        f"rules-engine redrive --show {QUEUE}/dead-letters | rules-engine explain -": "reads a queue",
    },
    "docs/how-to/rename-a-rule.md": {
        f"rules-engine redrive --rule old-name {QUEUE}/dead-letters": "reads a queue"
    },
    "docs/how-to/backtest.md": {
        "rules-engine backtest --against origin/main archive/2026/11": "compares with a git branch"
    },
    "docs/reading-rules.md": {
        "rules-engine explain record.json --rule order-shipped": "see the page on debugging",
        "rules-engine diff origin/main": "compares with a git branch",
    },
    "docs/templates.md": {STREAM_ARNS: "reads a table"},
    "docs/operations.md": {
        f"rules-engine redrive --dry-run {QUEUE}/order-rules-dead-letters": "reads a queue",
        "rules-engine redrive --show --id IRHUSMFDOWU36DYK25QUXII3HQXDGIVT "
        f"{QUEUE}/order-rules-dead-letters": "reads a queue",
        "rules-engine stream orders --key order_id=o-17 | "
        "rules-engine explain - --rule order-shipped": "reads a stream",
        "rules-engine stream orders --record 4966889900000000017 | "
        "rules-engine run --dry-run -": "reads a stream",
        "aws lambda get-function-configuration --function-name order-rules --qualifier live "
        "--query Environment.Variables |": "asks Lambda",
        "aws lambda list-versions-by-function --function-name order-rules "
        "--query 'Versions[].[Version, LastModified, Description]' --output text": "asks Lambda",
    },
    "docs/deployment.md": {
        "aws dynamodb update-table --table-name orders "
        "--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES": "changes a table",
        "rules-engine deploy --stack order-rules --rules rules "
        "--set ORDER_EVENTS_TOPIC_ARN=arn:aws:sns:eu-west-1:123456789012:order-events": "deploys",
        "rules-engine deploy --stack order-rules --rules-only": "deploys",
        "rules-engine rollback --stack order-rules": "changes a function",
        "rules-engine doctor --stack order-rules --rules rules": "reads a stack",
    },
    "docs/verify-on-aws.md": {
        "AWS_PROFILE=sandbox python -m tests.aws.verify": "see tests/test_verify_on_aws.py"
    },
}
"""Shell blocks that are not tried, by page and first line, and why."""


@pytest.mark.parametrize("page", [page for page in PAGES if page not in GENERATED])
def test_the_blocks_of_a_page_are_right(page: str, tmp_path: Path) -> None:
    assert try_page(ROOT / page, tmp_path) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page not in GENERATED])
def test_every_block_says_what_language_it_is(page: str) -> None:
    languages = {block.language for block in blocks(ROOT / page)}
    assert languages <= LANGUAGES


def test_only_these_blocks_are_not_run() -> None:
    skipped = [
        (page, block.text.split("\n")[0].partition("  #")[0].strip())
        for page in PAGES
        for block in blocks(ROOT / page)
        if "not run" in block.notes
    ]
    assert sorted(skipped) == sorted((page, line) for page, lines in NOT_RUN.items() for line in lines)


def test_the_editor_settings_are_those_that_init_writes() -> None:
    shown = [block.text for block in blocks(ROOT / "docs/editors.md") if "yaml.schemas" in block.text]
    assert shown == [starter_files()[".vscode/settings.json"]]


def test_links_between_pages_lead_somewhere() -> None:
    missing = []
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
            if not ((ROOT / page).parent / target).exists():
                missing.append((page, target))
    assert missing == []
