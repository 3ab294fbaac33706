"""Records that are rightly signed and say anything at all: what a stolen key, or a faulty service, could put on a topic.

An input is a payload. It is signed here by those who may say it, so that it comes past the verifier to the core that believes it.
"""

from dataclasses import replace
from functools import cache

from fuzz.chance import Dice
from fuzz.decoders import RECORDS
from fuzz.shapes import HEADER_BYTES, vary_record
from fuzz.target import Target, broken
from fuzz.targets.world import DEPLOYMENT, RULE, SEALED_POLICY, commands, genuine, payloads, sealed
from interlock.decision.core.decide import decide
from interlock.decision.core.events import interpret
from interlock.decision.core.journal import Journal
from interlock.decision.core.projection import Projected, project
from interlock.decision.core.state import State
from interlock.health_monitor.core.monitor import Monitor
from interlock.health_monitor.core.objectives import Rules
from interlock.policy.admissible import Proposal, examine_rung
from interlock.policy.book import Taken, evidence_in, take
from interlock.records.audit import AuditRecord, Input, InputKind
from interlock.records.codec import encode
from interlock.records.documents import RoutePolicy
from interlock.records.health import Level, TelemetryBatch
from interlock.records.log import ShardLog
from interlock.records.sealing import open_sealed
from interlock.records.state import StateRecord
from interlock.router.core.accept import Answer
from interlock.router.core.renew import renew
from interlock.runtime.audit_trail import AuditTrail, changes_in
from interlock.runtime.bus import Record
from interlock.signing.verifier import Refused
from interlock.testing.builders import NOW, SUPPORT
from interlock.testing.driver import Driver
from interlock.testing.router_driver import TERMS, RouterDriver
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.schemas import by_fingerprint
from interlock.wire.topics import ACKS, AUDIT, COMMANDS, POLICIES, VERDICTS


def named(payload: bytes) -> str | None:
    """The class of a payload, if it is one of those that are signed."""
    schema = by_fingerprint().get(payload[2:HEADER_BYTES])
    return schema.name if schema is not None and schema.name in RECORDS else None


@cache
def _book():  # type: ignore[no-untyped-def]
    return DEPLOYMENT.book(SEALED_POLICY, DEPLOYMENT.registration(genuine()["Registration"][0].model))


def _documents(payload: bytes) -> None:
    """The policies topic: whatever the book takes can be judged."""
    name = named(payload)
    taken = take(_book(), sealed(payload, name) if name else payload)
    if isinstance(taken, Refused):
        return
    if not isinstance(taken, Taken):
        raise broken(f"take answered {taken!r}")
    len(taken.book.head.root)
    said = taken.value
    if isinstance(said, RoutePolicy):
        proposal = Proposal(said, evidence_in(DEPLOYMENT.root, said))
        for rule in said.routes:
            for place in range(len(rule.ladder)):
                list(examine_rung(taken.book, proposal, rule, place, NOW))


def _document_seeds() -> list[bytes]:
    root = DEPLOYMENT.next_root(2)
    policy = DEPLOYMENT.policy_of("support", RULE, version=2)
    return [*payloads("Registration", "Denial", "Evidence"), encode(root), encode(policy)]


@cache
def _router() -> RouterDriver:
    driver = RouterDriver(DEPLOYMENT, SEALED_POLICY)
    driver.order("atlas")
    driver.beat()
    assert driver.serves() == "atlas"
    return driver


def _change(payload: bytes) -> None:
    """The routes topic: whatever a router obeys, it serves a model of its ladder or none."""
    driver = _router()
    kept = driver.state, driver.version, driver.beats
    try:
        answer = driver.hear(sealed(payload, "RoutingChange"))
        if not isinstance(answer.answer, Answer):
            raise broken(f"accept answered {answer!r}")
        if driver.serves("a-key") not in {"atlas", "birch", None}:
            raise broken("a model is served that is not on the ladder")
        if answer.answer is Answer.ACCEPTED:
            driver.beat()
            driver.resolve()
    finally:
        driver.state, driver.version, driver.beats = kept


def _change_seeds() -> list[bytes]:
    driver = RouterDriver(DEPLOYMENT, SEALED_POLICY)
    driver.order("atlas")
    return [encode(driver.change("birch")), encode(driver.change(None)), encode(driver.change("atlas"))]


def _heartbeat(payload: bytes) -> None:
    driver = _router()
    renewal = renew(driver.state, sealed(payload, "Heartbeat"), 0, driver.now, TERMS)
    if renewal.refused is not None and not isinstance(renewal.refused.reason, Reason):
        raise broken(f"renew answered {renewal!r}")


def _heartbeat_seeds() -> list[bytes]:
    driver = _router()
    heads = driver.state.book.head.root, driver.state.head(0).root
    beat = replace(genuine()["Heartbeat"][0], beat=9, policies_head=heads[0], routes_head=heads[1])
    return [encode(beat), *payloads("Heartbeat")]


_RULES = Rules(
    window_us=seconds(30),
    calls_min=5,
    faults_in_a_row=5,
    successes_in_a_row=3,
    silence_us=seconds(10),
    refresh_us=seconds(1),
    validity_us=seconds(5),
)


def _telemetry(payload: bytes) -> None:
    """A reporter that lies: whatever it tells, verdicts come out that can be said."""
    batch = open_sealed(sealed(payload, "TelemetryBatch"), DEPLOYMENT.root, TelemetryBatch)
    if isinstance(batch, Refused):
        return
    monitor = Monitor(_RULES)
    monitor.listening(True, NOW)
    monitor.watch(_book(), NOW)
    refused = monitor.observe(batch, NOW)
    if refused is not None and not isinstance(refused.reason, Reason):
        raise broken(f"observe answered {refused!r}")
    for after in (0, SECOND, 31 * SECOND):
        for verdict in monitor.judge(Micros(NOW + after)):
            encode(verdict)


@cache
def _driver() -> Driver:
    driver = Driver(DEPLOYMENT, SEALED_POLICY)
    driver.all_healthy("atlas", "birch")
    return driver


_TOPIC_OF = {"Command": COMMANDS.name, "Verdict": VERDICTS.name, "Acknowledgement": ACKS.name}


def _inputs(payload: bytes) -> None:
    """Decision's inputs: whatever those say who may, the decision answers, and the same a second time."""
    name = named(payload) or "Verdict"
    given = Input(InputKind.RECORD, _TOPIC_OF.get(name, POLICIES.name), 0, 0, sealed(payload, name))
    state = _driver().state
    event = interpret(given, state.book.trust)
    if isinstance(event, Refused):
        return
    outcome = decide(state, event, NOW)
    if decide(state, event, NOW) != outcome:
        raise broken("the same event is decided on in two ways")
    again = state
    for entry in outcome.entries:
        again = again.apply(entry)
    if again.digest.root != outcome.state.digest.root:
        raise broken("the entries of a decision do not make its state")


def _input_seeds() -> list[bytes]:
    verdict = genuine()["Verdict"][0]
    said = [replace(verdict, level=level) for level in (Level.UNAVAILABLE, Level.DEGRADED, Level.HEALTHY)]
    route = _driver().entry
    acknowledged = replace(genuine()["Acknowledgement"][0], event_id=route.event_id, change_id=f"{SUPPORT.key}@1.7.1")
    orders = [replace(command, issued_at=_driver().now) for command in commands()]
    return [encode(each) for each in (*said, acknowledged, *orders)] + _document_seeds()[:2]


@cache
def _begun() -> State:
    return State.start(0, 1, _book()).claimed(7, NOW)


def _log(payload: bytes) -> None:
    """The audit log: steps that hold anything; what does not fit this release is said to be so."""
    record = sealed(payload, "AuditRecord")
    trail = AuditTrail(changes_in)
    for at, value in ((0, sealed(_claim(), "AuditRecord")), (1, record)):
        list(trail.take(Record(AUDIT.name, 0, at, b"shard/0", value, 0), DEPLOYMENT.root))
    trail.done()
    for check in (False, True):
        journal = Journal(_begun(), ShardLog(0, 0, 7), check=check)
        try:
            journal.take(8, record)
        except InvariantError:
            continue


@cache
def _claim() -> bytes:
    return payloads("AuditRecord")[1]


def _log_seeds() -> list[bytes]:
    def step(**fields: object) -> bytes:
        return encode(replace(genuine()["AuditRecord"][0], **fields))

    whole: AuditRecord = genuine()["AuditRecord"][0]
    return [step(), step(inputs=()), step(inputs=(), changes=(), entries=whole.entries[1:2]), _claim()]


def _state_topic(payload: bytes) -> None:
    """The state topic: records of decision that hold anything are believed or not, and the log is read instead."""
    record = open_sealed(sealed(payload, "StateRecord"), DEPLOYMENT.root, StateRecord)
    key = getattr(getattr(record, "value", None), "key", "verdict/atlas/*/unavailable")
    values = {"shard/0": sealed(_mark(), "StateMark"), key: sealed(payload, "StateRecord")}
    steps = project(values, State.start(0, 1, _book()))
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            if not isinstance(ended.value, Projected | Refused):
                raise broken(f"project answered {ended.value!r}") from None
            return


@cache
def _mark() -> bytes:
    return payloads("StateMark")[0]


def _state_seeds() -> list[bytes]:
    usual = genuine()["StateRecord"][0]
    entries = {
        f"route/{SUPPORT.key}": payloads("RouteEntry")[1],
        "policy/support": DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", RULE, version=2), "grace", "oscar"),
        "answer/c-1": payloads("AnswerEntry")[0],
        "review/x": payloads("ReviewEntry")[0],
        "history/unavailable": payloads("HistoryEntry")[0],
        "climbs": payloads("ClimbsEntry")[0],
        "disable/c-1": sealed(encode(commands()[1]), "Command"),
        "suspend/support": sealed(encode(commands()[2]), "Command"),
    }
    return [encode(usual), *(encode(replace(usual, key=key, value=value)) for key, value in entries.items())]


def _within(name: str):  # type: ignore[no-untyped-def]
    """Changes a payload along its schema, and keeps it one of its class."""

    def mutate(payload: bytes, dice: Dice) -> bytes:
        return vary_record(payload if named(payload) == name else payloads(name)[0], dice)

    return mutate


TARGETS = (
    Target("documents", _documents, _document_seeds, vary_record, guide=("interlock.policy", "interlock.records")),
    Target("change", _change, _change_seeds, _within("RoutingChange"), guide=("interlock.router.core",)),
    Target("heartbeat", _heartbeat, _heartbeat_seeds, _within("Heartbeat"), guide=("interlock.router.core",)),
    Target(
        "telemetry",
        _telemetry,
        lambda: payloads("TelemetryBatch"),
        _within("TelemetryBatch"),
        guide=("interlock.health_monitor.core", "interlock.records.sketch"),
    ),
    Target("inputs", _inputs, _input_seeds, vary_record, guide=("interlock.decision.core",)),
    Target("log", _log, _log_seeds, _within("AuditRecord"), guide=("interlock.decision.core",), bytes_max=8_192),
    Target("state-topic", _state_topic, _state_seeds, _within("StateRecord"), guide=("interlock.decision.core",)),
)
