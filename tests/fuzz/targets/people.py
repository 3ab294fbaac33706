"""Files that people and other machines write: policies, settings, keys, sealed files, recordings, a router's state."""

import json
import math
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import yaml

from fuzz.shapes import vary_json, vary_record
from fuzz.target import Target, broken
from fuzz.targets.world import DEPLOYMENT, OF_P256, SEALED_POLICY, genuine, sealed_seeds
from interlock.decision.settings import DecisionSettings
from interlock.health_monitor.probe.settings import ProbeSettings
from interlock.health_monitor.settings import HealthMonitorSettings
from interlock.notifier.settings import NotifierSettings
from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.document import parse
from interlock.policy.authoring.draft import Draft, SealedFiles
from interlock.policy.authoring.evidence import EvidenceDocument, compile_evidence
from interlock.policy.authoring.policy import PolicyDocument
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.registry import RegistryDocument
from interlock.policy.authoring.signatures import claimed, gather, lacking, signed_by
from interlock.policy.authoring.source import Place, Source, read
from interlock.records.codec import encode
from interlock.records.documents import RoutePolicy
from interlock.router.core.marks import Marks
from interlock.router.gateway.settings import GatewaySettings
from interlock.router.marks_file import MarksFile
from interlock.runtime.first_settings import first_settings
from interlock.runtime.opening import read_trust
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import toml
from interlock.signing.keys import SigningKey
from interlock.testing.builders import NOW, SUPPORT
from interlock.trials.replay.trace import read_trace
from interlock.trials.simulate.outage import Subject
from interlock.trials.simulate.recorded import line_of, read_verdicts
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.limits import DURATION_US_MAX
from interlock.vocabulary.time import duration_text, parse_duration
from interlock.watch.settings import WatchSettings

_FOLDER = tempfile.TemporaryDirectory(prefix="interlock-fuzz-")
_EXAMPLES = Path(__file__).parents[3] / "deploy" / "policies"


def _file(name: str, content: bytes) -> Path:
    path = Path(_FOLDER.name) / name
    path.write_bytes(content)
    return path


def _sealed_file(data: bytes) -> None:
    """A file that travels between signers: it is told what it is, and nobody's signature is made up."""
    with suppress(ConfigurationError):
        root, _ = read_trust(_file("root.sealed", data))
        if root != DEPLOYMENT.root:
            raise broken("a trust root vouches for itself that its owners did not sign")
    record = claimed(data)
    if record is not None:
        lacking(data, record, DEPLOYMENT.root)
    gather(data, SEALED_POLICY)
    gathered = gather(SEALED_POLICY, data)
    if not {"grace", "oscar"} <= {owner for owner, holds in signed_by(gathered, DEPLOYMENT.root).items() if holds}:
        raise broken("another file takes a signature away")
    signed_by(data, DEPLOYMENT.root)


def _names(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    route = RouteId.parse(text)
    if route is not None and RouteId.parse(route.key) != route:
        raise broken("a route's key is another route's")
    with suppress(ValueError):
        duration = parse_duration(text)
        if not 0 <= duration <= DURATION_US_MAX or parse_duration(duration_text(duration)) != duration:
            raise broken("a duration is read as another one")
    with suppress(ValueError):
        Subject.parse(text)


def _settings_classes() -> list[type[ServiceSettings]]:
    services = [DecisionSettings, ProbeSettings, HealthMonitorSettings, NotifierSettings, WatchSettings]
    return [ServiceSettings, *services, GatewaySettings]


def _settings(data: bytes) -> None:
    classes = _settings_classes()
    kind = classes[(data[0] if data else 0) % len(classes)]
    with suppress(ConfigurationError):
        kind.load(_file("settings.toml", data[1:]))


def _settings_seeds() -> list[bytes]:
    told = first_settings("testbed", "127.0.0.1:9092", {"support": "a-key"})
    order = ("operator", "decision", "probe", "health-monitor", "notifier", "watch", "gateway")
    return [bytes([place]) + toml(told[service]).encode() for place, service in enumerate(order)]


def _private_key(data: bytes) -> None:
    with suppress(ConfigurationError):
        SigningKey.from_pem(data).sign("interlock.v1.Finding", b"")


def _marks(data: bytes) -> None:
    """A state file of a router with any rows: it is refused as a whole, or every mark in it can be asked for."""
    kinds: list[Callable[[bytes], Any]] = [bytes, lambda part: part.decode("utf-8", "replace"), len, lambda _: None]
    file = MarksFile(Path(":memory:"))
    try:
        for row in data.split(b"\n"):
            key, _, value = row[1:].partition(b"\t")
            tag = row[0] if row else 0
            with suppress(Exception):  # SQLite refuses the row
                cells = kinds[tag % 4](key), kinds[tag // 4 % 4](value)
                file._store.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", cells)
        try:
            marks = file.load()
        except ConfigurationError:
            return
        for key in marks.values:
            if not isinstance(key, str):
                raise broken("a mark has a key that is no text")
            if not key.startswith(("order/", "term/")):
                marks.put_highest(key, 5)
        marks.order(SUPPORT)
        marks.term(0)
        if Marks.of(dict(marks.values)) != marks:
            raise broken("marks are read as other ones")
    finally:
        file.close()


def _yaml(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    found = read(text, "policy.yaml")
    if isinstance(found, Problem):
        str(found).encode()
    elif isinstance(found, Source):
        json.dumps(found.data, ensure_ascii=False, allow_nan=False).encode()
        found.place(("agent", 0, "x"))
    else:
        raise broken(f"read answered {found!r}")


_KINDS = {"policy": PolicyDocument, "registry": RegistryDocument, "evidence": EvidenceDocument}


def _policy_text(data: bytes) -> None:
    """What YAML can say, as a policy, a registry or evidence: problems that can be shown, or what can be signed."""
    try:
        told = json.loads(
            data, parse_constant=lambda _: "", parse_float=_short_float, parse_int=lambda text: int(text[:15] or 0)
        )
        text = json.dumps(told, ensure_ascii=False).encode().decode()
    except (ValueError, RecursionError):
        return
    if not isinstance(told, dict) or len(told) != 1 or not text.isprintable():
        return
    kind, content = next(iter(told.items()))
    if kind not in _KINDS or not isinstance(content, dict):
        return
    source = Source("policy.yaml", content, {(): Place(1, 1)})
    document = parse(source, _KINDS[kind])
    if isinstance(document, EvidenceDocument):
        document = compile_evidence(source, document)
    elif isinstance(document, PolicyDocument):
        document = _compiled(source, document)
    for problem in document if isinstance(document, list) else ():
        str(problem).encode()


def _compiled(source: Source, document: PolicyDocument) -> list[Problem]:
    draft = Draft(source, document, _registry(), SealedFiles({"atlas": genuine_evidence()}), DEPLOYMENT.root)
    policy = compile_policy(draft, NOW)
    if isinstance(policy, RoutePolicy):
        encode(policy)
        return check(draft, policy, NOW)
    return policy


def genuine_evidence() -> bytes:
    """Evidence for the model of the policy that the target compiles."""
    return DEPLOYMENT.seal(genuine()["Evidence"][0], "vera")


def _short_float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) and abs(value) < 1e15 else 0.0


_BLANKS = {
    "deployment": "testbed",
    "model": "atlas",
    "version": "2026-01",
    "profile": "chat",
    "rotation": "2027-01-31",
    "retires": "never",
    "ends": "2027-01-31",
    "validated": "2026-01-31",
}
"""What the examples of the package leave open."""


@cache
def _documents() -> dict[str, Any]:
    """The examples of the package, each as small as it can be: one model, one route, one rung."""
    policy, registry, evidence = (_example(name) for name in ("invoice", "registry", "evidence"))
    entry = {**next(iter(registry["models"].values())), "version": "2026-01"}
    rung = {"model": "atlas", "accepted_by": "oscar"}
    route = {**policy["routes"][0], "ladder": [rung], "task_profile": "chat"}
    return {
        "policy": {**policy, "agent": "support", "routes": [route]},
        "registry": {"models": {"atlas": entry}},
        "evidence": evidence,
    }


def _example(name: str) -> Any:
    text = Template((_EXAMPLES / f"{name}.yaml").read_text("utf-8")).safe_substitute(_BLANKS)
    found = read(text, name)
    assert isinstance(found, Source), found
    return found.data


_REGISTRY: list[RegistryDocument] = []


def _registry() -> RegistryDocument:
    if not _REGISTRY:
        content = _documents()["registry"]
        found = parse(Source("registry.yaml", content, {(): Place(1, 1)}), RegistryDocument)
        assert isinstance(found, RegistryDocument), found
        _REGISTRY.append(found)
    return _REGISTRY[0]


def _policy_seeds() -> list[bytes]:
    return [json.dumps({kind: content}).encode() for kind, content in _documents().items()]


def _yaml_seeds() -> list[bytes]:
    small = yaml.safe_dump(_documents()["evidence"]).encode()
    return [
        small,
        b'a: [1, 2.5, {b: "c\\u0041"}]\n',
        b"a: |\n  text\n  more\nb: >-\n  folded\n",
        b"---\na: 'it''s'\n...\n",
    ]


def _recorded_calls(data: bytes) -> None:
    with suppress(ConfigurationError):
        calls = read_trace(data.decode("utf-8", "replace").split("\n"), None, "calls.csv")
        told = [(call.ended_s, call.latency_s, call.first_token_s or 0.0) for call in calls]
        if not all(math.isfinite(number) for numbers in told for number in numbers):
            raise broken("a call ended at no time")


def _recorded_verdicts(data: bytes) -> None:
    with suppress(ConfigurationError):
        for verdict in read_verdicts(data.decode("utf-8", "replace").split("\n"), "verdicts.jsonl"):
            line_of(verdict).encode()


_CSV = b"timestamp_s,model,latency_s,first_token_s,outcome\n0.5,atlas,1.5,0.2,ok\n2,birch,0.1,,timeout\n"
_LLMPERF = b"provider,model_size,ttft_s,end_to_end_latency_s,error_code\na,70b,0.2,1.5,\na,70b,0,0,429\nb,7b,0,1,-100\n"
_VERDICTS = (
    b'{"at": "2026-11-21T10:00:00Z", "model": "atlas", "objective": "unavailable", "level": "unavailable", "calls": 5}\n'
    b'{"at": "2026-11-21T10:00:01Z", "model": "atlas", "scope": "*", "objective": "errors>0.2", "level": "healthy"}\n'
)

TARGETS = (
    Target(
        "sealed-file",
        _sealed_file,
        lambda: [DEPLOYMENT.sealed_root, *sealed_seeds()[1:8]],
        vary_record,
        bytes_max=4_096,
    ),
    Target(
        "names",
        _names,
        lambda: [b"support/main/*", b"support", b"30s", b"250ms", b"model:atlas"],
        tokens=(b"/", b"*", b"ms", b"d", b"guard:"),
        bytes_max=128,
    ),
    Target(
        "settings",
        _settings,
        _settings_seeds,
        tokens=(b'"30s"', b"[[agents]]", b"[timeouts]", b"= ", b"[" * 90, b"1979-05-27T07:32:00Z", b"'''", b"\\U"),
        guide=("tomllib", "interlock.runtime"),
        bytes_max=1_024,
    ),
    Target(
        "private-key",
        _private_key,
        lambda: [DEPLOYMENT.key("grace").to_pem(), OF_P256.key("oscar").to_pem()],
        tokens=(b"-----BEGIN PRIVATE KEY-----\n", b"-----END PRIVATE KEY-----", b"ENCRYPTED ", b"EC "),
        bytes_max=512,
    ),
    Target(
        "marks",
        _marks,
        lambda: [
            b"\x05order/support/main/*\t1.7.1 " + b"ab" * 32 + b"\n\x05term/0\t1.7.0",
            b"\x05root\t3\n\x05policy/support\t1",
        ],
        tokens=(b"\n\x05", b"order/", b"term/", b"1.7.1", b"\t"),
        bytes_max=512,
    ),
    Target(
        "yaml",
        _yaml,
        _yaml_seeds,
        tokens=(
            b"&a ",
            b"*a",
            b"!!str ",
            b"<<: ",
            b"%YAML 1.1\n---\n",
            b"\\U0001",
            b"\\x",
            b"? ",
            b"|2\n",
            b"- - ",
            b"{a: [",
        ),
        guide=("yaml.scanner", "yaml.parser", "yaml.reader", "yaml.composer"),
        bytes_max=256,
    ),
    Target(
        "policy-text", _policy_text, _policy_seeds, vary_json, guide=("interlock.policy.authoring",), bytes_max=8_192
    ),
    Target(
        "recorded-calls",
        _recorded_calls,
        lambda: [_CSV, _LLMPERF],
        tokens=(b",", b'"', b"\n", b"1e308", b"nan", b"-", b"ok", b"timestamp_s"),
        bytes_max=512,
    ),
    Target(
        "recorded-verdicts",
        _recorded_verdicts,
        lambda: [_VERDICTS, b'{"at": 1.5, "model": "guard.x", "objective": "guard", "level": "unknown"}'],
        tokens=(b'"at": ', b"1e999", b'"level"', b'"9999-12-31T23:59:59-23:59"', b"[" * 90, b"\\ud800"),
        bytes_max=512,
    ),
)
