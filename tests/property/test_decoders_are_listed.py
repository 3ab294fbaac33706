"""The list of decoders is whole, each has a target, and no target rots: a few hundred inputs each, without a fuzzer."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import interlock
from fuzz.chance import Dice
from fuzz.decoders import DECODERS, ELSEWHERE, ENTRIES, RECORDS, Decoder
from fuzz.targets import NAMES, load
from interlock.records.codec import CLASS_OF
from interlock.records.health import Cell
from interlock.router.gateway import requests
from interlock.router.gateway.judge import Judge
from interlock.signing import verifier

SOURCES = Path(interlock.__file__).parent
INPUTS = 200

PARSERS = {
    *("json.loads", "json.load", "yaml.safe_load", "yaml.parse", "yaml.compose", "tomllib.loads", "tomllib.load"),
    *("fastavro.schemaless_reader", "sqlite3.connect", "load_pem_private_key", "csv.DictReader", "csv.reader"),
    *("datetime.fromisoformat", "parsedate_to_datetime", "pickle.loads", "ET.fromstring", "struct.unpack"),
    *("base64.b64decode", "base64.urlsafe_b64decode", "zlib.decompress", "gzip.decompress"),
}
"""Calls by which outside bytes are usually read."""


def parsers_in(path: Path) -> set[str]:
    """The calls of parsers in a module."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return {ast.unparse(call.func) for call in calls} & PARSERS


def modules() -> dict[str, set[str]]:
    """Every module of the services that calls a parser, and which; doubles of the tests are not asked."""
    found = {
        ".".join(path.relative_to(SOURCES).with_suffix("").parts): parsers_in(path) for path in SOURCES.rglob("*.py")
    }
    return {name: parsers for name, parsers in found.items() if parsers and not name.startswith("testing.")}


def test_every_decoder_has_a_target_and_every_target_a_decoder():
    assert {decoder.target for decoder in DECODERS} == set(NAMES)


@pytest.mark.parametrize(
    "decoder", DECODERS, ids=lambda decoder: f"{decoder.module}.{decoder.function}-{decoder.target}"
)
def test_every_decoder_that_is_listed_is_there(decoder: Decoder):
    found = import_module(f"interlock.{decoder.module}")
    for part in decoder.function.split("."):
        found = getattr(found, part)
    assert callable(found)


def test_every_signed_class_is_listed():
    assert {kind.__name__ for kind in CLASS_OF.values()} == set(RECORDS)
    assert len(set(RECORDS) | set(ENTRIES)) == len(RECORDS) + len(ENTRIES)


def _is_elsewhere(module: str) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:end]) in ELSEWHERE for end in range(1, len(parts) + 1))


def test_whoever_calls_a_parser_is_listed():
    listed = {decoder.module for decoder in DECODERS}
    assert {
        name: parsers for name, parsers in modules().items() if name not in listed and not _is_elsewhere(name)
    } == {}


def test_what_is_said_to_parse_nothing_from_outside_is_there():
    assert [name for name in ELSEWHERE if not list(SOURCES.glob(f"{name.replace('.', '/')}*"))] == []
    assert [decoder.module for decoder in DECODERS if _is_elsewhere(decoder.module)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_target_takes_its_genuine_inputs_and_some_that_were_changed(name: str):
    target, dice = load(name), Dice(1)
    seeds = target.seeds()
    assert max(map(len, seeds)) <= target.bytes_max
    for seed in seeds:
        target.feed(seed)
    for _ in range(INPUTS):
        target.feed(target.input(dice, seeds))


def _breaks(name: str, inputs: int = 4_000) -> bool:
    """Whether a target finds something wrong in so many inputs."""
    target, dice = load(name), Dice(2)
    seeds = target.seeds()
    for _ in range(inputs):
        try:
            target.feed(target.input(dice, seeds))
        except AssertionError:
            return True
    return False


def test_a_signature_that_is_not_checked_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verifier, "signature_holds", lambda *_: True)
    assert _breaks("envelope")


def test_an_agent_that_can_choose_its_model_is_noticed(monkeypatch: pytest.MonkeyPatch):
    load("request")  # which keeps the list as it is
    monkeypatch.setattr(requests, "ROUTING_FIELDS", frozenset())
    assert _breaks("request")


def test_an_answer_whose_model_is_not_looked_at_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Judge, "_look", lambda self, said: setattr(self, "named", said.model or self.named))
    assert _breaks("reply")
    assert _breaks("stream")


def test_a_bound_that_is_gone_is_noticed(monkeypatch: pytest.MonkeyPatch):
    """A count that nobody bounds ends as a verdict that cannot be said, or as a latency that cannot be."""
    monkeypatch.setattr(Cell, "__post_init__", lambda _: None)
    assert _fails("telemetry")


def _fails(name: str, inputs: int = 4_000) -> bool:
    """Whether a target fails in so many inputs, by an error of whatever kind."""
    try:
        return _breaks(name, inputs)
    except Exception:  # noqa: BLE001 - that it is of any kind is the point
        return True
