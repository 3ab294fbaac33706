"""Decision and router judge by the same documents: what the one orders, the other obeys, and serves exactly that.

Two cores that disagree would each be safe, and the agent would stand still: every order would be `refused but live`.
"""

from hypothesis import event, given, settings
from hypothesis import strategies as st

from interlock.records.commands import Verb
from interlock.records.health import Level
from interlock.records.rules import Mode, SafeReply, SafeState
from interlock.router.answers import Serve
from interlock.router.core.arms import in_canary
from interlock.testing.builders import SUPPORT, model
from interlock.testing.router_driver import BOOT, RouterDriver
from interlock.testing.stories import DEPLOYMENT, DOWN, PLAN, policy, running, slow
from interlock.vocabulary.time import Micros, Reading

NAMES = ("atlas", "birch", "cedar")
LADDERS = (NAMES, ("birch", "atlas"), ("atlas", model("birch", tools=[]), model("cedar", tools=[])))
STATES = {
    SafeState.READ_ONLY: SafeReply("birch"),
    SafeState.TEMPLATED_REPLY: SafeReply(text="We will write to you."),
    SafeState.HUMAN_QUEUE: SafeReply(),
    SafeState.SAFE_SHUTDOWN: SafeReply(),
}
KEYS = (None, *map(str, range(20)))

fields = st.fixed_dictionaries(
    {
        "ladder": st.sampled_from(LADDERS),
        "safe_state": st.sampled_from(sorted(STATES)),
        "canary": st.sampled_from([PLAN, PLAN, None]),
        "mode": st.sampled_from([Mode.CANARY, Mode.CANARY, Mode.CUTOVER, Mode.SUSPEND, Mode.AWAIT_APPROVAL]),
    }
)
names = st.sampled_from(NAMES)
events = st.one_of(
    st.tuples(
        st.just("verdict"), st.tuples(names, st.sampled_from(["unavailable", "latency>2s"]), st.sampled_from(Level))
    ),
    st.tuples(st.just("well"), names),
    st.tuples(st.just("slow"), st.just("atlas") | names),
    st.tuples(st.just("canary"), st.sampled_from([Level.HEALTHY, Level.HEALTHY, Level.UNAVAILABLE])),
    st.tuples(st.just("wait"), st.sampled_from([1, 6, 11, 61])),
    st.tuples(st.just("policy"), fields),
    st.tuples(st.just("deny"), names),
    st.tuples(st.just("register"), st.tuples(names, st.integers(1, 4), st.booleans())),
    st.tuples(st.just("command"), st.sampled_from([Verb.SUSPEND, Verb.RESUME, Verb.FREEZE, Verb.DISABLE])),
)


def sealed(version, chosen):
    """A policy of the story."""
    return policy(
        chosen["ladder"],
        version=version,
        triggers=(DOWN, slow(chosen["mode"])),
        canary=chosen["canary"],
        safe_state=chosen["safe_state"],
        safe_reply=STATES[chosen["safe_state"]],
    )


class Pair:
    """Decision and one router, which hears everything at once."""

    def __init__(self, first):
        given = {name: value for name, value in first.items() if name not in {"ladder", "mode"}}
        self.decision = running(
            first["ladder"],
            triggers=(DOWN, slow(first["mode"])),
            safe_reply=STATES[first["safe_state"]],
            **given,
        )
        self.version = 1
        self.router = RouterDriver(DEPLOYMENT)
        self.hear(sealed(1, first))
        self.obey()

    def hear(self, document):
        self.router.document(document)

    def happen(self, kind, what):
        it = self.decision
        if kind == "verdict":
            it.verdict(*what)
        elif kind == "well":
            it.all_healthy(what)
        elif kind == "slow":
            it.verdict(what, "latency>2s", Level.DEGRADED)
        elif kind == "canary" and it.entry.canary is not None:
            it.judge(what)
        elif kind == "wait":
            it.wait(what)
        elif kind == "command":
            it.command(what, model="birch" if what is Verb.DISABLE else "", by=("olga", "oscar"))
        elif kind in {"policy", "deny", "register"}:
            document = self.document(kind, what)
            it.document(document)
            self.hear(document)

    def document(self, kind, what):
        if kind == "policy":
            self.version += 1
            return sealed(self.version, what)
        if kind == "register":
            name, version, withdrawn = what
            return DEPLOYMENT.registration(model(name), version=version, withdrawn=withdrawn)
        self.decision.deny(what)
        return self.decision.outcomes[-1][0].sealed

    def obey(self):
        """The router hears what was ordered since, and a heartbeat."""
        it = self.decision
        self.router.now = Reading(it.now, Micros(BOOT + it.now - DEPLOYMENT.now))
        for order in it.orders[self.router.version :]:
            self.router.version += 1
            refused = self.router.hear(order).refused
            assert refused is None, f"{order.id}: {refused}"
        beat = self.router.beat(policies_head=it.state.book.head.root, routes_head=it.state.routes_head.root)
        assert beat.refused is None

    def agree(self):
        """What is served is what the entry of the route says, key by key."""
        entry = self.decision.entry
        for key in KEYS:
            answer = self.router.resolve(key)
            if not isinstance(answer, Serve):
                assert (entry.safe_state, entry.target) == (answer.state, None)
                continue
            canary = entry.canary
            weight = PLAN.steps[canary.step] if canary else 0
            inside = canary is not None and in_canary(canary.id, SUPPORT, key, weight)
            assert answer.model.name == (canary.model if inside else entry.target)
            assert answer.read_only == (entry.safe_state == "read_only")
            assert answer.canary == (canary.id if canary else "")
        return "canary" if entry.canary else str(entry.safe_state or "served")


@settings(max_examples=150)
@given(first=fields, story=st.lists(events, min_size=3, max_size=15))
def test_what_decision_orders_a_router_obeys_and_serves_exactly(first, story):
    pair = Pair(first)
    seen = {pair.agree()}
    for kind, what in story:
        pair.happen(kind, what)
        pair.obey()
        seen.add(pair.agree())
    for kind in seen:
        event(kind)
