"""A Hypothesis state machine over the real `decide`: whatever happens in whatever order, these must hold after every event.

The rules of the machine are everything that can reach the decision; the invariants are rules 1 to 6 of the design, said again in
other words than the code says them.
"""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from interlock.decision.core.canary import objective
from interlock.decision.core.decide import SETTLES_IN, decide
from interlock.decision.core.events import Tick
from interlock.decision.core.moments import next_moment
from interlock.decision.core.state import State
from interlock.decision.core.target import choose
from interlock.decision.core.usable import Case, guard_missing, why_leave
from interlock.policy.admissible import inadmissible
from interlock.policy.book import Book
from interlock.records.change import Trigger
from interlock.records.codec import encode
from interlock.records.commands import ReviewOutcome, Verb
from interlock.records.documents import Unnotified, Workflow
from interlock.records.health import Level
from interlock.records.rules import Approval, Mode, SafeReply, SafeState, TriggerRule, WatchedTrigger
from interlock.records.state import HoldKind
from interlock.testing.builders import NOW, model
from interlock.testing.driver import ROUTE, Driver
from interlock.testing.stories import DEPLOYMENT, DOWN, PLAN, policy, slow
from interlock.vocabulary.limits import CHANGES_PER_STEP_MAX
from interlock.vocabulary.time import SECOND, Micros

MODELS = ("atlas", "birch", "cedar")
OBJECTIVES = ("unavailable", "latency>2s", "refusals>0.1")
REFUSALS = TriggerRule(WatchedTrigger.REFUSALS, 0.1, Micros(2 * SECOND), Mode.SUSPEND)
GUARD = "pii-filter"
NARROW = model("birch", tools=[])
LADDERS = (
    ("atlas", "birch", "cedar"),
    ("atlas", replace(DEPLOYMENT.rung(NARROW), accepted_in_advance=False), model("cedar", tools=[])),
    ("birch", "atlas"),
    ("atlas",),
)
SAFE = st.sampled_from(
    [
        (SafeState.SUSPEND, SafeReply()),
        (SafeState.HUMAN_QUEUE, SafeReply()),
        (SafeState.SAFE_SHUTDOWN, SafeReply()),
        (SafeState.READ_ONLY, SafeReply(model="atlas")),
    ]
)
RULES = st.fixed_dictionaries(
    {
        "ladder": st.sampled_from(LADDERS),
        "latency": st.sampled_from([Mode.CUTOVER, Mode.CANARY, Mode.AWAIT_APPROVAL, Mode.SUSPEND]),
        "lasts": st.sampled_from([0, 3]),
        "canary": st.sampled_from([None, PLAN]),
        "guards": st.sampled_from([(), (GUARD,)]),
        "safe": SAFE,
        "dwell": st.sampled_from([0, 20]),
        "workflow": st.sampled_from([Workflow.CUSTOMER_FACING, Workflow.CLINICAL]),
        "unnotified": st.sampled_from(Unnotified),
    }
)


def sealed(chosen, version):
    state, reply = chosen["safe"]
    return policy(
        chosen["ladder"],
        version=version,
        workflow=chosen["workflow"],
        unnotified=chosen["unnotified"],
        triggers=(DOWN, slow(chosen["latency"], seconds=chosen["lasts"]), REFUSALS),
        canary=chosen["canary"],
        guards=chosen["guards"],
        safe_state=state,
        safe_reply=reply,
        dwell_us=Micros(chosen["dwell"] * SECOND),
        approval=Approval(Micros(30 * SECOND)),
    )


class Decision(RuleBasedStateMachine):
    """One agent, three models, and everything that can happen to them."""

    def __init__(self):
        super().__init__()
        self.it = Driver(DEPLOYMENT, None)
        self.version = 0

    @initialize(chosen=RULES, known=st.booleans())
    def begin(self, chosen, known):
        self.publish(chosen)
        if known:
            self.it.guard(GUARD, Level.HEALTHY)
            self.it.all_healthy(*MODELS)
            self.it.wait(5)

    @rule(chosen=RULES)
    def publish(self, chosen):
        self.version += 1
        self.it.document(sealed(chosen, self.version))

    @rule(name=st.sampled_from(MODELS), about=st.sampled_from(OBJECTIVES), level=st.sampled_from(Level))
    def judge_model(self, name, about, level):
        self.it.verdict(name, about, level)

    @rule(name=st.sampled_from(MODELS))
    def recover(self, name):
        self.it.all_healthy(name)

    @rule(name=st.sampled_from(MODELS), about=st.sampled_from(OBJECTIVES))
    def lapse(self, name, about):
        self.it.lapse(name, about)

    @rule(level=st.sampled_from(Level))
    def judge_guard(self, level):
        self.it.guard(GUARD, level)

    @precondition(lambda self: self.it.entry.canary is not None)
    @rule(level=st.sampled_from(Level), calls=st.sampled_from([1, 20]))
    def judge_canary(self, level, calls):
        self.it.judge(level, calls=calls)

    @precondition(lambda self: self.it.entry.canary is not None)
    @rule()
    def lapse_canary(self):
        canary = self.it.entry.canary
        self.it.lapse(canary.model, objective(canary))

    @rule(seconds=st.sampled_from([0, 0.2, 1, 3, 5, 10, 31, 61, 90_000]))
    def wait(self, seconds):
        self.it.wait(seconds)

    @rule(name=st.sampled_from(MODELS), seconds=st.sampled_from([0, 1, 30]))
    def disable(self, name, seconds):
        self.it.command(Verb.DISABLE, model=name, seconds=seconds)

    @rule(
        verb=st.sampled_from([Verb.SUSPEND, Verb.FREEZE, Verb.RESUME]),
        by=st.sampled_from([["olga"], ["olga", "oscar"], ["olga", "watch-1"]]),
    )
    def order(self, verb, by):
        self.it.command(verb, seconds=30, by=by)

    @rule(verb=st.sampled_from([Verb.APPROVE, Verb.REJECT]), both=st.booleans())
    def answer(self, verb, both):
        entry = self.it.entry
        about = entry.hold.proposal if entry.hold else entry.canary.id if entry.canary else "nothing"
        self.it.command(verb, about=about, by=["olga", "oscar"] if both else ["oscar"])

    @precondition(lambda self: self.it.orders)
    @rule(outcome=st.sampled_from(ReviewOutcome))
    def review(self, outcome):
        self.it.command(Verb.REVIEW, about=self.it.last.id, outcome=outcome, by=["oscar"])

    @precondition(lambda self: self.it.orders)
    @rule(data=st.data())
    def overdue(self, data):
        """A watch stops a route that asks to be stopped, unless it is held already, and nothing else."""
        state, entry, orders = self.it.state, self.it.entry, len(self.it.orders)
        asked = state.book.policies["support"].value.unnotified is not Unnotified.RECORD
        self.it.overdue(data.draw(st.sampled_from(self.it.orders)))
        assert self.it.answer == ("accepted" if asked else "not_authorised")
        stops = asked and entry.ordered is None
        assert len(self.it.orders) == orders + stops
        if stops:
            assert (self.it.last.cause.trigger, self.it.last.safe_state is None) == (Trigger.UNNOTIFIED, False)

    @precondition(lambda self: self.it.orders)
    @rule(verb=st.sampled_from([verb for verb in Verb if verb not in {Verb.SUSPEND, Verb.OTHER}]))
    def watch_oversteps(self, verb):
        """Whatever else a watch alone has signed changes nothing."""
        entry = self.it.entry
        self.it.command(verb, model="atlas", about=self.it.last.id, by=["watch-1"])
        assert self.it.answer == "not_authorised"
        assert self.it.entry == entry

    @precondition(lambda self: self.it.orders)
    @rule()
    def refuse(self):
        self.it.refuse(self.it.last)

    @rule(name=st.sampled_from(MODELS), withdrawn=st.booleans())
    def register(self, name, withdrawn):
        held = self.it.state.book.registry.get(name)
        version = held.value.version + 1 if held else 1
        self.it.document(DEPLOYMENT.registration(model(name), version=version, withdrawn=withdrawn))

    @rule(name=st.just("cedar"))
    def deny(self, name):
        self.it.deny(name)

    @property
    def case(self):
        state = self.it.state
        return Case(state, ROUTE, state.book.rule(ROUTE), state.now, state.routes[ROUTE])

    @invariant()
    def nothing_inadmissible_is_ever_at_a_weight_above_zero(self):
        if not self.it.orders:
            return
        case = self.case
        arms = [case.entry.target, case.entry.canary.model if case.entry.canary else None]
        for arm in arms:
            assert arm is None or inadmissible(case.state.book, ROUTE, arm, case.now) is None

    @invariant()
    def what_forces_a_route_out_has_forced_it_out(self):
        if not self.it.orders:
            return
        case = self.case
        served = case.entry.safe_state is None
        if case.entry.hold is not None:
            assert not served
            assert case.entry.hold.told
        if guard_missing(case) is not None:
            assert not served
        if case.entry.target is not None:
            leave = why_leave(case, case.entry.target)
            assert leave is None or (leave.mode is Mode.CANARY and case.entry.canary is not None)
        if case.entry.canary is not None:
            assert served
            assert why_leave(case, case.entry.canary.model) is None

    @invariant()
    def a_state_has_one_safe_state_or_one_model(self):
        if not self.it.orders:
            return
        entry, rule = self.case.entry, self.case.rule
        assert (entry.safe_state is None) == (entry.target is not None) or entry.safe_state == "read_only"
        assert entry.safe_state in {None, "suspend", rule.safe_state}
        assert entry.hold is None or entry.hold.kind in {HoldKind.ORDERED, HoldKind.APPROVAL}

    @invariant()
    def a_route_has_settled_and_time_alone_changes_nothing_before_its_next_moment(self):
        """The agenda misses nothing: this is what lets a tick look at what is due only, and a log be replayed."""
        if not self.it.orders:
            return
        case = self.case
        assert choose(case) is None
        until = next_moment(case)
        last = (until if until is not None else case.now + 10 * 86_400 * SECOND) - 1
        for now in {case.now + (last - case.now) // 2, last}:
            assert choose(replace(case, now=Micros(now))) is None

    @invariant()
    def versions_only_go_up_and_a_model_is_entered_past_others_that_failed_a_check_only(self):
        versions = [order.version for order in self.it.orders]
        assert versions == list(range(1, len(versions) + 1))
        for order in self.it.orders[-2:]:
            assert all(
                check.passed for check in order.verification if check.model == order.target and order.safe_state is None
            )

    def teardown(self):
        """The same events give the same bytes again, and the entries alone the same state, which goes on in the same way."""
        start = State.start(0, 1, Book.start(DEPLOYMENT.root, DEPLOYMENT.root_id)).claimed(7, NOW)
        again, rebuilt = start, start
        for event, now, outcome in self.it.outcomes:
            assert len(outcome.changes) <= CHANGES_PER_STEP_MAX + SETTLES_IN
            if not outcome.to_journal:
                continue  # a log holds nothing of it
            once_more = decide(again, event, now)
            assert once_more.entries == outcome.entries
            assert [encode(change) for change in once_more.changes] == [encode(change) for change in outcome.changes]
            again = once_more.state
            for entry in outcome.entries:
                rebuilt = rebuilt.apply(entry)
        assert again.digest.root == rebuilt.digest.root == self.it.state.digest.root
        later = Micros(self.it.state.now + 7 * SECOND)
        assert [encode(change) for change in decide(rebuilt.at(self.it.state.now), Tick(), later).changes] == [
            encode(change) for change in decide(self.it.state, Tick(), later).changes
        ]


TestDecision = Decision.TestCase
TestDecision.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
