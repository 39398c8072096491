"""What `opensearch` actions index documents in: an index server of ours, read back after every request.

An index keeps the newest version of a document only, so each document is read as soon as the server has said
that it took it. A document that is deleted is one that cannot be read any more.
"""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rules_engine import exact_json
from rules_engine.local.derivation import only_reference
from rules_engine.local.effect import Effect, decoded
from rules_engine.local.index_server import IndexRequest, IndexServer
from rules_engine.local.ministack import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

IN_INDEX = "in index"
PURPOSE = "keeps documents in index {}"

_ARNS = {
    "domain_arn": f"arn:aws:es:{REGION}:{ACCOUNT_ID}:domain/local",
    "collection_arn": f"arn:aws:aoss:{REGION}:{ACCOUNT_ID}:collection/local",
}


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    config = {**spec.config}
    endpoint = f"https://{derivation.addresses.index}"
    for key, value in {"endpoint": endpoint, **_ARNS}.items():
        if key in config:
            config[key] = _local(key, config[key], value, derivation)
    login = only_reference(config.get("basic_auth", ""))
    if login is not None:
        derivation.assign(login, "a user's name and password", "local:local")
    derivation.need("opensearch", derivation.resolved(config["index"]))
    return config


def _local(key: str, text: str, value: str, derivation: Derivation) -> str:
    """`value`, by way of a variable where `text` is one."""
    reference = only_reference(text)
    if reference is None:
        if key == "endpoint":
            derivation.note(f"{text} is not called: its requests go to {value}")
        return value
    derivation.assign(reference, f"an index server's {key.replace('_', ' ')}", value)
    return text


class ReadBackServer(IndexServer):
    """An index server that reads every document that was sent to it."""

    def __init__(self) -> None:
        self._found: list[Effect] = []
        self._reading = threading.Lock()
        super().__init__()

    @property
    def found(self) -> list[Effect]:
        """One for each document that the server took, oldest first."""
        with self._reading:
            return list(self._found)

    def take(self, request: IndexRequest) -> tuple[int, bytes]:
        status, answer = super().take(request)
        if status == HTTPStatus.OK:
            index = request.path.strip("/").partition("/")[0]
            for document_id in _taken(request.body.decode(), answer.decode()):
                effect = Effect(
                    IN_INDEX, index, {"id": document_id, "document": self._read(index, document_id)}
                )
                with self._reading:
                    self._found.append(effect)
        return status, answer

    def _read(self, index: str, document_id: str) -> Any:
        """The document as the server has it; None if it has none."""
        place = f"/{index}/_doc/{quote(document_id, safe='')}"
        _, found = self._forward("GET", place, b"")
        return exact_json.loads(found.decode()).get("_source")


def _taken(body: str, answer: str) -> Iterator[str]:
    """The ids of the documents in a call of `_bulk` that the server has taken, or need not delete."""
    lines = [exact_json.loads(line) for line in body.removesuffix("\n").split("\n")]
    heads = [line for line in lines if set(line) <= {"index", "delete"}]
    for head, item in zip(heads, exact_json.loads(answer)["items"], strict=True):
        ((operation, entry),) = head.items()
        status = item[operation]["status"]
        if status < HTTPStatus.MULTIPLE_CHOICES or (operation, status) == ("delete", HTTPStatus.NOT_FOUND):
            yield entry["_id"]


class IndexTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        assert surroundings.index_server is not None
        self._server = surroundings.index_server

    def arrivals(self) -> list[Effect]:
        return self._server.found

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        document = decoded(request["document"]) if "document" in request else None
        return [Effect(IN_INDEX, request["_index"], {"id": request["_id"], "document": document})]


def open_target(surroundings: Surroundings) -> IndexTarget:
    return IndexTarget(surroundings)
