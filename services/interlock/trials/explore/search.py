"""Breadth first through the whole, so that the first violation found has no shorter story.

Two states that differ only in which of two like parts is which are one state: the owners are alike (one name, one key), and so are the
routers. What a state came from is kept, so that a story can be told; names are put right again while it is told.
"""

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from interlock.trials.explore.actions import Action
from interlock.trials.explore.interning import Interner
from interlock.trials.explore.invariants import Broken
from interlock.trials.explore.product import ABSENT, Product, Whole

PROGRESS_EVERY = 10_000
"""States between two words about how far the search is."""

_ACTORS = 5
_SWAPS = 4
_NAMES = ("", "decision 1", "decision 2", "router 1", "router 2")


@dataclass(frozen=True, slots=True)
class Violation:
    """What does not hold, and the shortest story that leads there.

    Attributes:
        invariant: Its name in DESIGN 9.
        detail: What was seen.
        story: What happened, in order.
        beginning: The place of the state, among those that the search began with, in which the story begins.
    """

    invariant: str
    detail: str
    story: tuple[str, ...]
    beginning: int = 0


@dataclass(slots=True)
class Explored:
    """What a search came to.

    Attributes:
        states: Distinct states of the whole, like parts not told apart.
        transitions: Steps from one to another.
        depth: How many steps the farthest state that was looked at is from the beginning.
        whole: Whether every state within the world's bounds was looked at.
        fired: How often each kind of action happened.
        violation: The first violation; None: everything holds.
        sample: States from all depths, for what must become true later.
    """

    states: int = 0
    transitions: int = 0
    depth: int = 0
    whole: bool = False
    fired: Counter[str] = field(default_factory=Counter)
    violation: Violation | None = None
    sample: list[Whole] = field(default_factory=list)


class Search:
    """One search.

    Args:
        product: The whole.
        limit: How many states are looked for at most.
        progress: Told the number of states now and then.
        sample_every: One state in so many is kept for `Explored.sample`.
    """

    def __init__(
        self, product: Product, limit: int, progress: Callable[[int], None] = lambda _: None, sample_every: int = 500
    ) -> None:
        self._product = product
        self._limit = limit
        self._progress = progress
        self._sample_every = sample_every
        self._seen: dict[Whole, int] = {}
        self._states: list[Whole] = []
        self._parents = array("q")
        self._edges = array("q")
        self._actions: Interner[Action] = Interner()

    def run(self, *roots: Whole) -> Explored:
        """Look at everything that can follow from some states, until a violation, the limit or the end."""
        explored, place = Explored(), 0
        counts: Counter[int] = Counter()
        try:
            for root in roots:
                self._found(root, -1, 0, 0)
            last_of_depth = len(self._states)
            while place < len(self._states) and len(self._states) < self._limit:
                if place == last_of_depth:
                    explored.depth, last_of_depth = explored.depth + 1, len(self._states)
                whole = self._states[place]
                for action, actor, after in self._product.successors(whole):
                    number = self._actions.number(action, action)
                    counts[number] += 1
                    self._found(after, place, number, actor)
                place += 1
                if place % PROGRESS_EVERY == 0:
                    self._progress(len(self._states))
        except Broken as broken:
            explored.violation = self._violation(broken, place)
        explored.states, explored.whole = len(self._states), place == len(self._states)
        explored.transitions = sum(counts.values())
        for number, count in counts.items():
            explored.fired[self._actions[number].kind] += count
        explored.fired["shown again"] = self._product.routers.repeats
        explored.sample = self._states[:: self._sample_every]
        return explored

    def _found(self, whole: Whole, parent: int, action: int, actor: int) -> None:
        """Note a state, if it is new, and judge it."""
        swapped = 0
        if whole.b != ABSENT and whole.b < whole.a:
            whole, swapped = whole._replace(a=whole.b, b=whole.a), 1
        if whole.s != ABSENT and whole.s < whole.r:
            whole, swapped = whole._replace(r=whole.s, s=whole.r), swapped | 2
        if whole in self._seen:
            return
        self._seen[whole] = len(self._states)
        self._states.append(whole)
        self._parents.append(parent)
        self._edges.append((action * _ACTORS + actor) * _SWAPS + swapped)
        try:
            self._product.judge(whole)
        except Broken as broken:
            broken.place = len(self._states) - 1
            raise

    def _violation(self, broken: Broken, place: int) -> Violation:
        """The violation, and how it came about."""
        names = list(_NAMES)
        end = broken.place if broken.place is not None else place
        path = []
        while end < len(self._parents) and self._parents[end] != -1:
            path.append(self._edges[end])
            end = self._parents[end]
        story = []
        for edge in reversed(path):
            rest, swapped = divmod(edge, _SWAPS)
            number, actor = divmod(rest, _ACTORS)
            story.append(f"{names[actor]} {self._actions[number].words}".strip())
            if swapped & 1:
                names[1], names[2] = names[2], names[1]
            if swapped & 2:
                names[3], names[4] = names[4], names[3]
        if broken.place is None and isinstance(broken.action, Action):
            story.append(f"{names[self._product.acting]} {broken.action.words}".strip())
        return Violation(broken.invariant, broken.detail, tuple(story), end)
