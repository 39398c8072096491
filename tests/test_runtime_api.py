"""The Runtime API with toy handlers under the real `awslambdaric`: what Lambda would show, it shows."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.local.function_process import FunctionProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

TOY = """
import json, os, sys, time
count = 0

def handler(event, context):
    global count
    count += 1
    match event.get("do"):
        case "raise": raise ValueError("no such order")
        case "exit": os._exit(7)
        case "hang": time.sleep(60)
        case "print": print("a line from the function", flush=True)
        case "context":
            return {
                "remaining": context.get_remaining_time_in_millis(),
                "id": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "name": context.function_name,
            }
        case "environment": return dict(os.environ)
        case "import":
            try:
                __import__(event["module"])
            except ImportError as error:
                return str(error)
    return {"event": event, "count": count, "pid": os.getpid()}
"""


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def toy() -> Iterator[FunctionProcess]:
    with FunctionProcess(zipped(toy=TOY), {"TABLE": "orders"}, handler="toy.handler") as function:
        yield function


def payload(function: FunctionProcess, event: dict[str, Any]) -> Any:
    result = function.invoke(event)
    assert result.error is None
    return result.payload


def test_a_response_comes_back_and_the_process_stays_warm(toy: FunctionProcess) -> None:
    first, second = payload(toy, {"n": 1}), payload(toy, {"n": "ü"})
    assert (first["event"], second["event"]) == ({"n": 1}, {"n": "ü"})
    assert (second["count"], second["pid"]) == (first["count"] + 1, first["pid"])


def test_an_exception_is_the_error_of_its_invocation_alone(toy: FunctionProcess) -> None:
    error = toy.invoke({"do": "raise"}).error
    assert error is not None
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no such order")
    assert payload(toy, {"n": 2})["event"] == {"n": 2}


def test_a_crash_is_an_error_and_the_next_invocation_gets_a_new_process(toy: FunctionProcess) -> None:
    before = payload(toy, {})["pid"]
    error = toy.invoke({"do": "exit"}).error
    assert error is not None
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Error: Runtime exited with exit status 7")
    after = payload(toy, {})
    assert after["count"] == 1
    assert after["pid"] != before


def test_a_handler_that_hangs_is_killed_at_the_deadline() -> None:
    with FunctionProcess(zipped(toy=TOY), {}, handler="toy.handler", timeout_seconds=0.5) as function:
        pid = payload(function, {})["pid"]
        error = function.invoke({"do": "hang"}).error
        assert error is not None
        assert error["errorType"] == "Sandbox.Timedout"
        assert re.fullmatch(
            r"RequestId: \S+ Error: Task timed out after 0\.50 seconds", error["errorMessage"]
        )
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert payload(function, {})["count"] == 1


def test_a_module_that_does_not_import_is_an_init_error() -> None:
    broken = "import no_such_module\ndef handler(event, context): return None\n"
    with FunctionProcess(zipped(toy=broken), {}, handler="toy.handler") as function:
        error = function.invoke({}).error
    assert error is not None
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert error["errorMessage"] == "Unable to import module 'toy': No module named 'no_such_module'"


def test_the_context_tells_the_deadline_and_who_was_invoked(toy: FunctionProcess) -> None:
    context = payload(toy, {"do": "context"})
    assert 0 < context.pop("remaining") <= 10_000
    assert re.fullmatch(r"[0-9a-f-]{36}", context.pop("id"))
    assert context == {
        "arn": "arn:aws:lambda:eu-central-1:000000000000:function:rules-engine",
        "name": "rules-engine",
    }


def test_the_environment_is_the_given_one_and_the_runtimes_own(
    toy: FunctionProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebodys")
    environment = payload(toy, {"do": "environment"})
    assert environment["TABLE"] == "orders"
    assert "AWS_PROFILE" not in environment
    assert "HOME" not in environment


@pytest.mark.parametrize("module", ["yaml", "jsonschema", "click", "rich", "ministack", "rules_engine"])
def test_nothing_of_the_authors_side_can_be_imported(toy: FunctionProcess, module: str) -> None:
    assert payload(toy, {"do": "import", "module": module}) == f"No module named '{module}'"


@pytest.mark.parametrize("module", ["boto3", "jmespath", "runtime_client"])
def test_what_the_lambda_runtime_brings_can_be_imported(toy: FunctionProcess, module: str) -> None:
    assert payload(toy, {"do": "import", "module": module})["event"]["module"] == module


def test_what_the_function_prints_is_kept(toy: FunctionProcess) -> None:
    payload(toy, {"do": "print"})
    assert "a line from the function\n" in toy.log


def test_events_far_larger_than_a_socket_buffer_arrive_whole(toy: FunctionProcess) -> None:
    event = {"Records": ["x" * 1000] * 5000}
    assert payload(toy, event)["event"] == json.loads(json.dumps(event))
