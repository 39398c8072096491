"""What rules would have made of changes that an archive holds.

`archive` finds the files and objects and takes the documents out of them, `decisions` puts each change
through one rule set or two and counts what came of it.
"""
