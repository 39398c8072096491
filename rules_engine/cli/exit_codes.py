"""What the command line's exit code says. A command's callback returns one of these."""

OK = 0
PROBLEMS = 1
"""Something is wrong with the rules, the record or the effect, or is not what was expected of it."""
USAGE = 2
"""The command was called wrongly, or found nothing to do."""
INTERNAL = 3
"""rules-engine itself failed."""
INTERRUPTED = 130
"""Ctrl-C, as shells count it."""
