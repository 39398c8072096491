"""`python -m rules_engine` is `rules-engine`."""

from rules_engine.cli.main import main

main()
