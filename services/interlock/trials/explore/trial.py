"""One world explored, and what it came to: the search, then what must become true from a sample of its states."""

from collections.abc import Callable
from dataclasses import replace

from interlock.trials.explore.healing import heal
from interlock.trials.explore.invariants import Broken, raised_by_core
from interlock.trials.explore.product import Product, running
from interlock.trials.explore.remembered import remembered
from interlock.trials.explore.search import Explored, Search, Violation
from interlock.trials.explore.worlds import WORLDS

SAMPLE = 30
"""States from which faults stop, for each world."""

_SHARES = {
    "theft": 0.08,
    "registry": 0.03,
    "withdrawn": 0.02,
    "roots": 0.03,
    "withheld": 0.03,
    "succession": 0.03,
    "revocation": 0.08,
    "takeover": 0.08,
    "canary": 0.02,
    "verdicts": 0.005,
    "orders": 0.005,
    "untold": 0.005,
    "guarded": 0.005,
    "refusals": 0.005,
    "approval": 0.005,
    "waiting": 0.005,
    "broader": 0.0005,
    "unfit": 0.0005,
}
"""How the states that are asked for are spread over the small worlds: few where a state costs a decision. The full one has the rest."""

_STATES_MIN = 100


def shares(states: int) -> list[tuple[str, int]]:
    """How many states to look for in each world."""
    small = [(name, max(_STATES_MIN, round(states * share))) for name, share in _SHARES.items()]
    return [*small, ("full", max(_STATES_MIN, states - sum(share for _, share in small)))]


BEGINNINGS = (
    "in the ordinary course of things, where one owner rules and the first model serves",
    "from the very beginning",
)
"""The states in which a search begins, as `explore` gives them."""


def explore(
    name: str, limit: int, progress: Callable[[int], None] = lambda _: None, *, sample: int = SAMPLE
) -> Explored:
    """Explore a world from its beginning and from the ordinary course of things.

    Args:
        name: The world.
        limit: How many states are looked for at most.
        progress: Told the number of states now and then.
        sample: From how many of the states faults stop, divided by the number of routes.
    """
    product = Product(WORLDS[name]())
    with remembered():
        try:
            roots = (running(product), product.first())
        except Broken as broken:
            return Explored(violation=_in_course(broken.invariant, broken.detail))
        except LookupError as error:
            return Explored(violation=_in_course("course", str(error)))
        except Exception as error:  # noqa: BLE001 - cores are total: whatever they raise is a finding
            return Explored(violation=_in_course("total", raised_by_core(error).detail))
        wanted = -(-sample // len(product.world.routes))
        explored = Search(product, limit, progress, max(1, limit // wanted) if wanted else limit).run(*roots)
        return _healed(product, explored) if sample and not explored.violation else explored


def _in_course(invariant: str, detail: str) -> Violation:
    return Violation(invariant, detail, ("the ordinary course of things: a policy, healthy models, a heartbeat",))


def _healed(product: Product, explored: Explored) -> Explored:
    for whole in explored.sample:
        for all_down in (False, True):
            try:
                heal(product, whole, all_down=all_down)
            except Broken as broken:
                story = ("from a state that was met, faults stop and time passes",)
                return replace(explored, violation=Violation(broken.invariant, broken.detail, story))
            except Exception as error:  # noqa: BLE001 - cores are total: whatever they raise is a finding
                story = ("from a state that was met, faults stop and time passes",)
                return replace(explored, violation=Violation("total", raised_by_core(error).detail, story))
    return explored
