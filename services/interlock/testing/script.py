"""Scripts of the decision and a router, written and read by people: commands in, what was ordered and served out.

    > policy ladder=atlas,birch safe=human_queue triggers=unavailable:60s
    > healthy atlas birch
    > wait 5s
        0:00:05  order 2  safe state → atlas: atlas has been healthy for 5s
    > ask
        200 requests: 200 served by atlas

A line that begins with `> ` is a command; what stands under it is what it led to. Everything is real but the topics between them:
documents are signed, `decide` orders, the order is sealed, the router accepts it or not, heartbeats carry the heads, and `resolve`
answers requests. A transcript is made again from its own commands: `perform(commands(text))`.
"""

import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from interlock.decision.core.decide import Outcome
from interlock.notifier.message import body_of
from interlock.policy.book import Book
from interlock.records.change import Heartbeat, RoutingChange
from interlock.records.commands import ReviewOutcome, Verb
from interlock.records.documents import Denial, Unnotified, Workflow
from interlock.records.health import Level
from interlock.records.rules import Approval, CanaryPlan, Mode, Rung, SafeReply, SafeState, TriggerRule, WatchedTrigger
from interlock.records.sealing import event_id_of, seal
from interlock.router.answers import Serve
from interlock.router.core.accept import accept
from interlock.router.core.marks import Marks
from interlock.router.core.renew import Terms, renew
from interlock.router.core.resolve import resolve
from interlock.router.core.state import RouterState, take_document
from interlock.signing.verifier import Refused
from interlock.testing.builders import NOW, Deployment, model
from interlock.testing.driver import AGENT, ROUTE, Driver
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import SECOND, Micros, Reading, parse_duration

REQUESTS = 200
_TERMS = Terms(lease_us=Micros(15 * SECOND), skew_us=Micros(SECOND))
_OPTION = re.compile(r"[a-z]+=")
_OPTIONS = frozenset(
    {
        *(
            "ladder",
            "safe",
            "rung",
            "text",
            "cache",
            "triggers",
            "canary",
            "stable",
            "dwell",
            "blind",
            "guards",
            "workflow",
            "unnotified",
        ),
        *("approval", "ticket", "unaccepted", "code", "tools", "version"),
    }
)


def commands(text: str) -> list[str]:
    """The commands and comments of a transcript."""
    return [line for line in text.splitlines() if line.startswith((">", "#")) or not line]


def perform(lines: Iterable[str]) -> str:
    """The transcript of a script."""
    stage, told = _Stage(), []
    for line in lines:
        told.append(line)
        if line.startswith("> "):
            told += [f"    {said}" for said in stage.do(line[2:])]
    return "\n".join(told).rstrip() + "\n"


class _Stage:
    """One agent, the decision of its shard, and one router that hears everything at once."""

    def __init__(self) -> None:
        self.deployment = Deployment()
        self.driver = Driver(self.deployment, None)
        self.router = RouterState.start(1, Book.start(self.deployment.root, self.deployment.root_id), Marks())
        self.version = 0
        self.beats = 0

    def do(self, line: str) -> list[str]:
        """Carry out one command, and say what it led to."""
        verb, *words = shlex.split(line)
        options = dict(word.split("=", 1) for word in words if _OPTION.match(word))
        names = [word for word in words if not _OPTION.match(word)]
        if verb not in _COMMANDS:
            raise ConfigurationError(f"{verb!r} is no command of a script.", f"Use one of: {', '.join(_COMMANDS)}.")
        said = _COMMANDS[verb](self, names, options)
        self.beat()
        return said

    @property
    def now(self) -> Reading:
        return Reading(self.driver.now, Micros(self.driver.now - NOW))

    def led_to(self, outcome: Outcome) -> list[str]:
        """Bring the orders to the router, and say what became of them."""
        said = []
        for change in outcome.changes:
            said.append(f"{self._clock()}  order {change.version}  {_move(change)}: {change.cause.detail}")
            said += self.deliver(seal(change, self.deployment.key("decision-1")))
            said.append(f"         notice: {_notice(change)}")
        said += [f"{self._clock()}  finding {reason}: {detail}" for reason, detail in outcome.findings]
        if outcome.refused is not None:
            said.append(f"{self._clock()}  refused {outcome.refused.reason}: {outcome.refused.detail}")
        return said

    def deliver(self, sealed: bytes) -> list[str]:
        """Let the router judge a change; an accepted one is the rule and not worth a word."""
        answer = accept(self.router, sealed, 0, self.now)
        self.router = answer.state
        if answer.refused is None:
            return []
        return [f"         router: {answer.answer} {answer.refused.reason}"]

    def beat(self) -> None:
        """Decision's sign of life, with the heads that it holds now."""
        state = self.driver.state
        self.beats += 1
        beat = Heartbeat(
            deployment=self.deployment.name,
            shard=0,
            root_version=state.book.trust.version,
            term=state.term,
            beat=self.beats,
            issued_at=self.driver.now,
            policies_head=state.book.head.root,
            routes_head=state.routes_head.root,
        )
        self.router = renew(self.router, seal(beat, self.deployment.key("decision-1")), 0, self.now, _TERMS).state

    def document(self, sealed: bytes) -> list[str]:
        """Publish a document."""
        taken = take_document(self.router, sealed, self.now)
        self.router = self.router if isinstance(taken, Refused) else taken
        return self.led_to(self.driver.document(sealed))

    def _clock(self) -> str:
        return str(timedelta(microseconds=self.driver.now - NOW)).partition(".")[0]


def _move(change: RoutingChange) -> str:
    source = change.source or "safe state"
    if change.weight < 100:
        return f"{source} → {change.target} for {change.weight} %"
    safe = f"safe state {change.safe_state}"
    target = safe if change.target is None else f"{change.target} in {safe}" if change.safe_state else change.target
    return f"{source} → {target}"


def _notice(change: RoutingChange) -> str:
    """What governance is told first."""
    return str(json.loads(body_of(change, event_id_of(change)))["data"]["summary"])


Names = Sequence[str]
Options = Mapping[str, str]


def _policy(stage: _Stage, _: Names, options: Options) -> list[str]:
    unknown = options.keys() - _OPTIONS
    if unknown:
        raise ConfigurationError(
            f"A policy has no {min(unknown)!r} in a script.", f"Use: {', '.join(sorted(_OPTIONS))}."
        )
    stage.version = int(options.get("version", stage.version + 1))
    rule = stage.deployment.rule(
        [_rung(stage.deployment, name, options) for name in options["ladder"].split(",")],
        triggers=tuple(map(_trigger, options.get("triggers", "unavailable").split(","))),
        stable_us=parse_duration(options.get("stable", "5s")),
        blind_us=parse_duration(options.get("blind", "10s")),
        dwell_us=parse_duration(options["dwell"]) if "dwell" in options else Micros(0),
        canary=_plan(options["canary"]) if "canary" in options else None,
        guards=tuple(options["guards"].split(",")) if "guards" in options else (),
        approval=Approval(parse_duration(options.get("approval", "10m")), options.get("ticket") == "yes"),
        safe_state=SafeState(options.get("safe", "suspend")),
        safe_reply=SafeReply(
            options.get("rung", ""), options.get("text", ""), parse_duration(options.get("cache", "1m"))
        ),
    )
    workflow = Workflow(options.get("workflow", Workflow.CUSTOMER_FACING))
    policy = stage.deployment.policy_of(AGENT, rule, version=stage.version, workflow=workflow)
    policy = replace(policy, unnotified=Unnotified(options.get("unnotified", Unnotified.RECORD)))
    return stage.document(stage.deployment.seal(policy, "grace", "oscar"))


def _rung(deployment: Deployment, name: str, options: Options) -> Rung:
    """A rung; `code=birch` can execute code, `tools=birch` has none, `unaccepted=birch` was not accepted in advance."""
    has_code = name in options.get("code", "").split(",")
    tools = [] if name in options.get("tools", "").split(",") else ["search"]
    rung = deployment.rung(model(name, tools=tools, capability={"code_execution": has_code}))
    return replace(rung, accepted_in_advance=name not in options.get("unaccepted", "").split(","))


def _trigger(text: str) -> TriggerRule:
    """`unavailable:60s`, `latency>2:canary`, `quality.groundedness<0.8:10s:await_approval`."""
    kind, *rest = text.split(":")
    lasts = next((parse_duration(word) for word in rest if word[0].isdigit()), Micros(0))
    mode = next((Mode(word) for word in rest if not word[0].isdigit()), Mode.CUTOVER)
    name, _, threshold = kind.replace("<", ">").partition(">")
    trigger, _, metric = name.partition(".")
    return TriggerRule(WatchedTrigger(trigger), float(threshold or 0), lasts, mode, metric)


def _plan(text: str) -> CanaryPlan:
    steps = tuple(int(step) for step in text.split(","))
    return CanaryPlan(steps, calls_min=20, time_min_us=Micros(10 * SECOND), wait_max_us=Micros(60 * SECOND))


def _healthy(stage: _Stage, names: Names, _: Options) -> list[str]:
    said = []
    for name in names:
        for watched in stage.driver.state.book.policies[AGENT].value.routes[0].triggers:
            said += stage.led_to(stage.driver.verdict(name, watched.objective, Level.HEALTHY))
    return said


def _verdict(stage: _Stage, names: Names, _: Options) -> list[str]:
    name, objective, level = names
    return stage.led_to(stage.driver.verdict(name, objective, Level(level)))


def _judge(stage: _Stage, names: Names, options: Options) -> list[str]:
    return stage.led_to(stage.driver.judge(Level(names[0]), calls=int(options.get("calls", "1000"))))


def _guard(stage: _Stage, names: Names, _: Options) -> list[str]:
    return stage.led_to(stage.driver.guard(names[0], Level(names[1])))


def _lapse(stage: _Stage, names: Names, _: Options) -> list[str]:
    return stage.led_to(stage.driver.lapse(*names))


def _wait(stage: _Stage, names: Names, _: Options) -> list[str]:
    said, left = [], parse_duration(names[0])
    while left > 0:
        step = min(left, SECOND)
        left = Micros(left - step)
        said += stage.led_to(stage.driver.wait(step / SECOND))
    return said


def _deny(stage: _Stage, names: Names, _: Options) -> list[str]:
    return stage.document(
        stage.deployment.seal(Denial(f"deny-{names[0]}", names[0], "a leak", stage.driver.now), "sam")
    )


def _register(stage: _Stage, names: Names, options: Options) -> list[str]:
    withdrawn = options.get("withdrawn") == "yes"
    return stage.document(
        stage.deployment.registration(model(names[0]), version=int(options["version"]), withdrawn=withdrawn)
    )


def _command(verb: Verb) -> Callable[[_Stage, Names, Options], list[str]]:
    def order(stage: _Stage, names: Names, options: Options) -> list[str]:
        lasts = parse_duration(options.get("for", "10m")) / SECOND
        outcome = stage.driver.command(
            verb,
            model=names[0] if verb is Verb.DISABLE else "",
            about=_about(stage, verb, options),
            outcome=ReviewOutcome(names[0]) if verb is Verb.REVIEW else ReviewOutcome.NONE,
            ticket=options.get("ticket", ""),
            seconds=lasts,
            name=options.get("id", ""),
            by=options.get("by", "olga").split(","),
        )
        return [f"answer: {stage.driver.answer}", *stage.led_to(outcome)]

    return order


def _overdue(stage: _Stage, names: Names, _: Options) -> list[str]:
    """The notice of an order, the last one unless its number is given, was not accepted in time, and the watch says so."""
    numbered = (order for order in stage.driver.orders if names and order.version == int(names[0]))
    outcome = stage.driver.overdue(next(numbered, stage.driver.last))
    return [f"answer: {stage.driver.answer}", *stage.led_to(outcome)]


def _about(stage: _Stage, verb: Verb, options: Options) -> str:
    if verb is Verb.REVIEW:
        return stage.driver.last.id
    return options.get("about", _waiting(stage)) if verb in {Verb.APPROVE, Verb.REJECT} else ""


def _waiting(stage: _Stage) -> str:
    entry = stage.driver.entry
    return entry.hold.proposal if entry.hold else entry.canary.id if entry.canary else "nothing"


def _refuse(stage: _Stage, _: Names, __: Options) -> list[str]:
    return stage.led_to(stage.driver.refuse(stage.driver.last))


def _smuggle(stage: _Stage, names: Names, _: Options) -> list[str]:
    """An order to any model, signed by decision's own key, stolen: only the router's look at the policy can stop it."""
    last = stage.driver.last
    order = f"{last.root_version}.{last.term}.{last.version + 1}"
    forged = replace(
        last,
        id=f"{ROUTE.key}@{order}",
        version=last.version + 1,
        target=names[0],
        safe_state=None,
        weight=100,
        canary="",
    )
    return stage.deliver(seal(forged, stage.deployment.key("decision-1"))) or ["         router: accepted"]


def _ask(stage: _Stage, _: Names, __: Options) -> list[str]:
    answers = Counter(_answer(stage, f"session-{number}") for number in range(REQUESTS))
    return [f"{REQUESTS} requests: " + ", ".join(f"{count} {said}" for said, count in sorted(answers.items()))]


def _answer(stage: _Stage, key: str) -> str:
    answer = resolve(stage.router, ROUTE, key, stage.now)
    if isinstance(answer, Serve):
        return f"served by {answer.model.name}{' without tools' if answer.read_only else ''}"
    return f"stopped: {answer.state}"


_COMMANDS: Mapping[str, Callable[[_Stage, Names, Options], list[str]]] = {
    "policy": _policy,
    "healthy": _healthy,
    "verdict": _verdict,
    "judge": _judge,
    "guard": _guard,
    "lapse": _lapse,
    "wait": _wait,
    "deny": _deny,
    "register": _register,
    **{str(verb): _command(verb) for verb in Verb if verb is not Verb.OTHER},
    "overdue": _overdue,
    "refuse": _refuse,
    "smuggle": _smuggle,
    "ask": _ask,
}
