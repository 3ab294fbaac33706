"""S1 to S4 at the router: whatever it hears, in whatever order, it serves only what policy allows now.

Documents of governance are genuine but come in any order, are withheld and come again; the decision key is in the hands of the
adversary, who also answers for the heads in heartbeats; civil time jumps; the router restarts with its marks. What must hold is
reckoned here from what was heard, not from what the router remembers.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import event, given, settings
from hypothesis import strategies as st

from interlock.policy.admissible import inadmissible
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.models import Registration
from interlock.records.rules import SafeReply, SafeState
from interlock.records.sealing import open_sealed
from interlock.router.answers import Serve
from interlock.signing.trust import TrustRoot
from interlock.testing.builders import NOW, SUPPORT, Deployment, model
from interlock.testing.router_driver import RouterDriver
from interlock.vocabulary.time import SECOND, Micros, Reading

DEPLOYMENT = Deployment()
GRACE_S = 10
LEASE_S = 15
KEYS = (None, *map(str, range(12)))
NAMES = ("atlas", "birch", "cedar")


def ending(subject, seconds):
    """A rung whose evidence expires so soon."""
    expires_at = Micros(NOW + seconds * SECOND)
    return replace(DEPLOYMENT.rung(subject), evidence=DEPLOYMENT.evidence(subject, expires_at=expires_at))


def policy(version, *ladder):
    rule = DEPLOYMENT.rule(ladder, safe_state=SafeState.READ_ONLY, safe_reply=SafeReply(model="birch"))
    return DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", rule, version=version), "grace", "oscar")


CODE = {"capability": {"code_execution": True}}
POLICIES = (
    policy(1, "atlas", "birch", "cedar"),
    policy(2, "atlas", model("birch", **CODE), "cedar"),
    policy(2, "birch", "atlas"),
    policy(3, ending(model("atlas"), 20), "birch", model("cedar", retires_at=Micros(NOW + 30 * SECOND))),
    policy(4, model("atlas", tools=[]), ending(model("birch", tools=[]), 25), "cedar"),
)
DOCUMENTS = (
    *POLICIES,
    *(DEPLOYMENT.seal(Denial(f"deny-{name}", name, "a leak", NOW), "sam") for name in NAMES),
    *(DEPLOYMENT.registration(model(name), version=version) for name in NAMES for version in (1, 3)),
    *(DEPLOYMENT.registration(model(name), version=2, withdrawn=True) for name in NAMES),
    DEPLOYMENT.registration(model("birch", tools=[]), version=4),
    DEPLOYMENT.seal(DEPLOYMENT.next_root(2), "root-1", "root-2"),
)

models = st.sampled_from([*NAMES, "zebra"])
orders = st.fixed_dictionaries(
    {
        "target": models,
        "source": models,
        "weight": st.just(100) | st.integers(1, 99) | st.integers(-1, 101),
        "canary": st.sampled_from(["", "canary-1", "canary-2"]),
        "safe_state": st.sampled_from([None, None, None, "read_only", "suspend"]),
    }
)
canaries = st.builds(
    lambda arms, weight: {"target": arms[0], "source": arms[1], "weight": weight, "canary": "canary-1"},
    st.permutations(NAMES),
    st.sampled_from([1, 25, 50, 99]),
)
plain = st.builds(lambda target: {"target": target}, models)
read_only = st.just({"target": "birch", "safe_state": "read_only"})
actions = st.one_of(
    st.tuples(st.just("order"), plain | canaries | read_only | orders),
    st.tuples(st.just("document"), st.sampled_from(DOCUMENTS)),
    st.tuples(st.just("beat"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 12, 24])),
    st.tuples(st.just("step the clock"), st.sampled_from([-3600, -20, 20])),
    st.tuples(st.just("restart"), st.none()),
)


@dataclass
class Heard:
    """What was ever heard, restarts included, and when the last lease was given."""

    policy: int = 0
    root: int = 1
    denied: set[str] = field(default_factory=set)
    registered: Counter[str] = field(default_factory=Counter)
    renewed_at: Micros | None = None

    def document(self, sealed):
        said = open_sealed(sealed, DEPLOYMENT.root, TrustRoot, Registration, RoutePolicy, Denial).value
        if isinstance(said, RoutePolicy):
            self.policy = max(self.policy, said.version)
        elif isinstance(said, Denial):
            self.denied.add(said.model)
        elif isinstance(said, Registration):
            self.registered[said.model.name] = max(self.registered[said.model.name], said.version)
        else:
            self.root = max(self.root, said.version)


def act(router, heard, action, given):
    """One thing happens to the router."""
    if action == "order" and "support" in router.state.book.policies:
        router.order(**given)
    elif action == "document" and router.document(given) is None:
        heard.document(given)
    elif action == "beat":
        head = router.state.head(0)
        for route, waiting in router.state.candidates.items() if given else ():
            head = head.put(route.key, waiting.newest.change.event_id)
        if router.beat(routes_head=head.root).refused is None:
            heard.renewed_at = router.now.boot
    elif action == "wait":
        router.wait(given)
    elif action == "step the clock":
        router.now = Reading(Micros(router.now.wall + given * SECOND), router.now.boot)
    elif action == "restart":
        router.restart()
        heard.renewed_at = None


def check(router, heard, key):
    """What is served now is allowed now."""
    answer = router.resolve(key)
    if not isinstance(answer, Serve):
        return "stop"
    state, name = router.state, answer.model.name
    order = state.held[SUPPORT].change.value
    # S1: admissible under the policy held, the model as that policy has it, and ordered.
    assert inadmissible(state.book, SUPPORT, name, router.now.wall) is None
    assert answer.model == state.book.rule(SUPPORT).rung(name).model
    assert name == order.target or (name == order.source and 1 <= order.weight <= 99)
    assert answer.read_only == (order.safe_state == "read_only")
    assert not answer.read_only or name == "birch"
    assert order.safe_state in {None, "read_only"}
    # S3: nothing has gone back.
    assert name not in heard.denied
    assert state.book.policies["support"].value.version == heard.policy == order.policy_version
    assert state.book.trust.version == heard.root
    held = state.book.registry.get(name)
    assert (held.value.version if held else 0) == heard.registered[name]
    # S2, S4: within a lease and its grace.
    assert heard.renewed_at is not None
    assert router.now.boot < heard.renewed_at + (LEASE_S + GRACE_S) * SECOND
    return "canary" if answer.canary and name == order.target else "read-only" if answer.read_only else "serve"


@settings(max_examples=400)
@given(start=st.sampled_from(POLICIES), first=plain | canaries, story=st.lists(actions, min_size=2, max_size=14))
def test_whatever_a_router_hears_it_serves_only_what_policy_allows_now(start, first, story):
    router, heard = RouterDriver(DEPLOYMENT), Heard()
    opening = (("document", start), ("order", first), ("beat", False))
    seen = set()
    for action, what in (*opening, *story):
        # After a restart the adversary shows what was true at the beginning, and nothing of what came then.
        for each in ((action, what), *(opening if action == "restart" else ())):
            act(router, heard, *each)
            seen |= {check(router, heard, key) for key in KEYS}
    for kind in seen:
        event(kind)
