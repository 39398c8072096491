"""Rule files as trees in which every value knows where it stands.

In: the bytes of a YAML file. Out: a `Node` tree of YAML 1.2 core values, and `Problem`s with line and column.
It refuses what a rule file does not need and what has been used to attack YAML readers: anchors, aliases,
merge keys, tags, several documents, keys that are not text, duplicate keys, invisible characters, more than
1 MiB, 100,000 nodes or 32 levels. A `yaml.Loader` was left: it throws the positions away, takes the last of
two equal keys in silence, reads `on` and `2027-06-30` as what their author did not mean, and composes
recursively, which crashes the process at 40,000 brackets.
"""

from rules_engine.source.reader import parse_source
from rules_engine.source.tree import Node, SourceFile

__all__ = ["Node", "SourceFile", "parse_source"]
