"""The command line: one module per command, reporters beside them. `main` is where it starts."""
