"""The language server: what `validate` knows, while a rule is being written.

In: an editor's open files and questions, by the Language Server Protocol. Out: the problems of the whole
rule set as `validate` finds them (`workspace`) and how they are mended (`mends`); for a place in a text what
stands there (`hover`), what may stand there (`completion`), where it is defined (`definition`). Problems come
from the loader itself; answers about places must work in texts that no parser takes, and read an `outline`.

Only `server` knows pygls, which is the extra `lsp` (`pip install 'dynamodb-rules-engine[lsp]'`).
"""
