"""What fuzzing found: inputs on which a decoder raised what it does not document, took more than its share, or read what cannot be.

Each is here as it was found, or as short as it can be, and stays.
"""

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from interlock.cli.tickets import _document, _line
from interlock.notifier.webhook import channel_of, url_fault
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source, read
from interlock.records.documents import Webhook
from interlock.records.telling import Ticket
from interlock.router.gateway import events
from interlock.router.gateway.events import _END, EventCutter
from interlock.router.gateway.faults import Fault
from interlock.router.gateway.requests import NESTING_MAX, Request, read_request
from interlock.router.marks_file import MarksFile
from interlock.runtime.settings import ServiceSettings
from interlock.signing.keys import SigningKey
from interlock.testing.builders import NOW, SUPPORT, model
from interlock.trials.replay.trace import read_trace
from interlock.trials.simulate.recorded import read_verdicts
from interlock.vocabulary.errors import ConfigurationError


@given(st.text())
@example('a: "\\UFFFFFFFF"')  # OverflowError: no such character
@example('a: "\\U00110000"')  # ValueError: the first one after the last
@example("%YAML 1." + "1" * 5_000 + "\n---\na: 1")  # ValueError: more digits than Python reads
@example('a: "\\ud800"')  # a text that nobody can write down
@example('"\\udfff": 1')
def test_whatever_the_text_yaml_is_a_document_that_can_be_written_down_or_a_problem(text: str):
    found = read(text, "policy.yaml")
    assert isinstance(found, Source | Problem)
    if isinstance(found, Source):
        json.dumps(found.data, ensure_ascii=False).encode()


def test_an_escape_that_stands_for_no_character_is_told_with_its_line():
    assert read('a: 1\nb: "\\UFFFFFFFF"\n', "policy.yaml").line == 2


@pytest.mark.parametrize(
    "text",
    [
        "bootstrap = " + "[" * 5_000,  # RecursionError
        "bootstrap = " + "1" * 5_000,  # ValueError that is no TOMLDecodeError
        "bootstrap = 0x" + "f" * 5_000,
        ".".join("a" * 5_000) + " = 1",
    ],
    ids=["deep", "long", "long hexadecimal", "dotted"],
)
def test_a_settings_file_that_python_cannot_hold_is_refused_as_any_other(text: str, tmp_path: Path):
    file = tmp_path / "service.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError):
        ServiceSettings.load(file)


_NO_ED25519 = (
    ("X448", b"MC4CAQAwBQYDK2VxBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"),  # InternalError of OpenSSL
    ("an unknown kind", b"MC4CAQAwBQYDK2lwBCIEICr5ZEOQGnIOkogucpf3f9/lpJHw7287PLtQY2Rq/du/"),  # UnsupportedAlgorithm
)


@pytest.mark.parametrize("text", [text for _, text in _NO_ED25519], ids=[name for name, _ in _NO_ED25519])
def test_a_key_file_of_a_kind_that_nobody_knows_is_refused_as_any_other(text: bytes):
    with pytest.raises(ConfigurationError):
        SigningKey.from_pem(b"-----BEGIN PRIVATE KEY-----\n" + text + b"\n-----END PRIVATE KEY-----\n")


@pytest.mark.parametrize("row", [(None, "1"), (b"root", "1"), ("root", b"1"), (b"order/a/b/*", b"1.1.1 ab")])
def test_a_routers_state_with_rows_that_are_no_text_is_refused_as_any_other(row: tuple[object, object], tmp_path: Path):
    """SQLite keeps bytes, and even nothing, in a column of text."""
    path = tmp_path / "marks.db"
    MarksFile(path).close()
    with sqlite3.connect(path) as store:
        store.execute("INSERT INTO marks VALUES (?, ?)", row)
    file = MarksFile(path)
    with pytest.raises(ConfigurationError):
        file.load()
    file.close()


@pytest.mark.parametrize("content", [b"garbage", b"SQLite format 3\x00" + bytes(200), b"\xff" * 4_096])
def test_a_routers_state_that_is_no_database_is_refused(content: bytes, tmp_path: Path):
    path = tmp_path / "marks.db"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError):
        MarksFile(path)


@given(st.text(), st.booleans())
@example("https://xn--/", False)  # UnicodeError, when the host is asked for
@example("htt0s://[::ff\x14f:10.0.0.1]:%1@/", True)  # IndexError of yarl
@example("https://[::1", False)
def test_whatever_a_policy_gives_for_a_webhook_it_is_named_and_weighed(text: str, allow_private: bool):
    webhook = Webhook(text.encode("utf-8", "replace").decode(), allow_private)
    assert isinstance(url_fault(webhook), str)
    assert channel_of(webhook).startswith("webhook:")


def nested(levels: int) -> bytes:
    return b'{"messages": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def deeper(frames: int, request: Request) -> bytes:
    return request.body_for(model("atlas")) if frames == 0 else deeper(frames - 1, request)


def test_a_request_that_could_be_read_and_not_be_sent_on_is_refused():
    """Python reads JSON as deep as its stack allows, and whoever writes it again stands deeper in the stack than who read it."""
    for levels in (NESTING_MAX + 1, 600, 980, 200_000):
        refused = read_request(nested(levels), [])
        assert isinstance(refused, Fault)
        assert refused.status == 400
    request = read_request(nested(NESTING_MAX), [])
    assert isinstance(request, Request)
    assert deeper(300, request)


def test_a_ticket_is_shown_however_deep_its_request_is():
    """RecursionError: what is read with ease is written out, line by line, with less."""
    for levels in range(200, 1_001, 20):
        document = _document(Ticket("ticket-1", "gateway-1", *SUPPORT, "change", nested(levels), NOW), whole=True)
        assert "[" * (levels - 1) in _line(document).replace(" ", "").replace("\n", "")


def test_recorded_calls_without_an_end_are_refused():
    """The sum of two of them was infinite, and the difference of that no number at all."""
    lines = ["timestamp_s,model,latency_s,first_token_s,outcome", "1e308,atlas,1e308,1,ok"]
    with pytest.raises(ConfigurationError, match="line 2"):
        read_trace(lines, None, "calls.csv")


def test_a_recorded_verdict_with_half_a_character_is_refused():
    line = '{"at": 1, "model": "atlas", "objective": "\\ud800", "level": "healthy"}'
    with pytest.raises(ConfigurationError, match="line 1"):
        read_verdicts([line], "verdicts.jsonl")


def cut_simply(chunks: list[bytes]) -> list[bytes]:
    """What the cutter does, looking at everything again each time."""
    rest, found = b"", []
    for chunk in chunks:
        rest += chunk
        while (end := _END.search(rest)) is not None:
            found.append(rest[: end.end()])
            rest = rest[end.end() :]
    return found


@given(st.lists(st.text("\r\n\nxd", max_size=6).map(str.encode), max_size=12))
@example([b"d\r", b"\n\r", b"\nx"])
@example([b"d\r\n", b"\r", b"\n"])
def test_events_are_cut_as_if_all_bytes_were_looked_at_anew(chunks: list[bytes]):
    cutter = EventCutter()
    assert [event for chunk in chunks for event in cutter.feed(chunk)] == cut_simply(chunks)


class _Counting:
    """Counts the bytes that are looked at."""

    def __init__(self) -> None:
        self.looked_at = 0

    def search(self, data: bytes, begin: int = 0) -> object:
        found = _END.search(data, begin)
        self.looked_at += (found.end() if found else len(data)) - begin
        return found


@pytest.mark.parametrize("size", [1, 100, 200_000])
@pytest.mark.parametrize(
    "stream", [b"\n" * 20_000, b"data: x" * 3_000, b"d\n\n" * 7_000], ids=["ends", "no end", "short"]
)
def test_a_stream_is_looked_at_no_more_often_because_of_how_it_is_cut(
    stream: bytes, size: int, monkeypatch: pytest.MonkeyPatch
):
    """A server that sends single bytes, or nothing but ends of events, took time by the square of what it sent."""
    counting = _Counting()
    monkeypatch.setattr(events, "_END", counting)
    cutter = EventCutter()
    cut = [event for at in range(0, len(stream), size) for event in cutter.feed(stream[at : at + size])]
    assert stream.startswith(b"".join(cut))
    assert counting.looked_at <= 6 * len(stream)
