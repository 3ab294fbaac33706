"""Logs are JSON lines that name the service and never hold a secret."""

import errno
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from interlock.runtime import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_and_names_the_service() -> None:
    stream = io.StringIO()
    logs.configure("decision", stream=stream)
    structlog.get_logger().info("changed", route="helpdesk/main/*")
    (line,) = lines(stream)
    assert (line["event"], line["service"], line["level"]) == ("changed", "decision", "info")
    assert line["route"] == "helpdesk/main/*"
    assert str(line["timestamp"]).endswith("Z")


def test_an_exception_is_one_line_too() -> None:
    stream = io.StringIO()
    logs.configure("decision", stream=stream)
    try:
        raise RuntimeError("bug")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    (line,) = lines(stream)
    assert "RuntimeError: bug" in str(line["exception"])


def test_a_line_that_cannot_be_written_is_lost_and_harms_nobody() -> None:
    class FullDisk(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(text)

        def flush(self) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")

    stream = FullDisk()
    logs.configure("decision", stream=stream)
    structlog.get_logger().warning("lost")
    logging.getLogger("aiokafka").warning("lost too")
    stream.full = False
    structlog.get_logger().warning("heard")
    assert [line["event"] for line in lines(stream)] == ["heard"]


def test_less_severe_lines_than_asked_for_are_left_out() -> None:
    stream = io.StringIO()
    logs.configure("decision", level="warning", stream=stream)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("heard")
    assert [line["event"] for line in lines(stream)] == ["heard"]


def test_libraries_are_heard_in_the_same_form_from_warnings_on() -> None:
    stream = io.StringIO()
    logs.configure("decision", level="debug", stream=stream)
    logging.getLogger("aiokafka").info("chatter")
    logging.getLogger("aiokafka").warning("broker %s is gone", 1)
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["service"]) == ("broker 1 is gone", "aiokafka", "decision")


@pytest.mark.parametrize(
    "key",
    ["authorization", "Proxy-Authorization", "api_key", "X-Api-Key", "client_secret", "token", "key", "password"],
)
def test_what_looks_like_a_secret_is_blotted_out_at_any_depth(key: str) -> None:
    stream = io.StringIO()
    logs.configure("gateway", stream=stream)
    structlog.get_logger().info("request", headers=[{key: "hush-hush"}], **{key.replace("-", "_"): "hush-hush"})
    assert "hush-hush" not in stream.getvalue()
    assert logs.REDACTED in stream.getvalue()


def test_key_ids_and_counts_of_tokens_stay_readable() -> None:
    event = {"key_id": "ab12", "input_tokens": 7, "record_key": "r", "event": "x"}
    assert logs.redact(None, "info", dict(event)) == event


def test_a_library_that_says_the_same_thing_again_and_again_is_heard_once() -> None:
    stream = io.StringIO()
    logs.configure("decision", stream=stream)
    for node in range(500):
        logging.getLogger("aiokafka").error("Unable to connect to node %s", node)
    logging.getLogger("aiokafka").error("Something else")
    assert [line["event"] for line in lines(stream)] == ["Unable to connect to node 0", "Something else"]
