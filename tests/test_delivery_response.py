from __future__ import annotations

import ast
from typing import Any

import pytest

from rules_engine.delivery.response import batch_response
from rules_engine.errors import BatchError
from tests.test_layers import AUTHORS_ONLY, FILES, name_of


@pytest.mark.parametrize("partial_batch", [True, False])
def test_success_is_an_empty_list_under_the_exact_key(partial_batch: bool) -> None:
    assert batch_response(None, partial_batch) == {"batchItemFailures": []}


def test_a_failure_is_reported_as_one_checkpoint() -> None:
    response = batch_response("111000000000000000000001", partial_batch=True)
    assert response == {"batchItemFailures": [{"itemIdentifier": "111000000000000000000001"}]}


def test_without_partial_answers_any_failure_fails_the_batch() -> None:
    with pytest.raises(BatchError) as failure:
        batch_response("42", partial_batch=False)
    assert str(failure.value) == "record 42 failed: the whole batch is to come again"


@pytest.mark.parametrize("identifier", ["", " ", 42, b"42", False, 0])
def test_an_identifier_that_is_no_record_s_fails_the_batch(identifier: Any) -> None:
    with pytest.raises(BatchError) as failure:
        batch_response(identifier, partial_batch=True)
    message = "a record failed and has no identifier to report: the whole batch is to come again"
    assert str(failure.value) == message


def test_no_other_module_of_the_function_makes_an_answer() -> None:
    """The poller reads a misspelt key as success, so the keys stand in one place."""
    makers = {
        name_of(path)
        for part, path, _ in FILES
        if part not in AUTHORS_ONLY
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Constant) and node.value in ("batchItemFailures", "itemIdentifier"))
    }
    assert makers == {"delivery/response.py"}
