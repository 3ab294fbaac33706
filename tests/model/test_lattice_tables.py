"""The lattice, rung by rung over every ladder of small worlds, against the oracle of `interlock.testing.small_ladders`.

The first tables ask the rule alone. The others ask the router, which is given the same policies, really signed, and one change,
signed by decision, to every model of every ladder.
"""

from collections.abc import Callable, Iterable
from itertools import combinations, product

import pytest

from interlock.policy.admissible import examine, inadmissible
from interlock.records.rules import SafeReply, SafeState
from interlock.testing.builders import NOW
from interlock.testing.small_ladders import (
    BROADER,
    DEPLOYMENT,
    NAMES,
    Ladder,
    against,
    packed,
    router_refuses,
    signed,
    subsets,
    unsigned,
)

Tell = Callable[[str, Iterable[bool]], None]

# The rule.

SIX = subsets("tool a", "tool b", "code", "region eu", "region us", "weak identity")
FOUR = subsets("tool a", "tool b", "code", "weak identity")
THREE = subsets("tool a", "code", "weak identity")
RULE_TABLES: dict[str, Callable[[], Iterable[Ladder]]] = {
    "two tools × code × two regions × assurance, ladders of 1 and 2": lambda: (
        ladder for length in (1, 2) for ladder in product(SIX, repeat=length)
    ),
    "two tools × code × assurance, ladders of 3": lambda: product(FOUR, repeat=3),
    "one tool × code × assurance, ladders of 4": lambda: product(THREE, repeat=4),
    "every two dimensions, ladders of 3": lambda: (
        ladder for pair in combinations(BROADER, 2) for ladder in product(subsets(*pair), repeat=3)
    ),
}


@pytest.mark.parametrize("table", RULE_TABLES)
def test_over_every_small_ladder_the_last_rung_may_be_used_exactly_if_the_sets_say_so(table: str, tell: Tell) -> None:
    answers = []
    for ladders in packed(RULE_TABLES[table]()):
        book = unsigned(ladders)
        for route, ladder in ladders.items():
            expected = against(ladder, len(ladder) - 1)
            reason = inadmissible(book, route, NAMES[len(ladder) - 1], NOW)
            assert reason in expected if expected else reason is None, ladder
            answers.append(not expected)
    tell(table, answers)


def test_what_stands_below_a_rung_changes_nothing(tell: Tell) -> None:
    answers = []
    for ladders in packed(product(subsets("tool a", "code"), repeat=4)):
        book = unsigned(ladders)
        for (route, ladder), place in product(ladders.items(), range(4)):
            found = {made.reason for made in examine(book, route, NAMES[place], NOW) if made.reason}
            assert found == against(ladder, place), ladder
            answers.append(not found)
    tell("one tool × code, every rung of ladders of 4, every reason", answers)


# The router.


def test_a_router_obeys_a_change_to_exactly_the_rungs_that_the_sets_allow(tell: Tell) -> None:
    answers = []
    for ladders in packed(ladder for length in (1, 2, 3) for ladder in product(THREE, repeat=length)):
        book = signed(ladders)
        for route, ladder in ladders.items():
            for place in range(len(ladder)):
                expected = against(ladder, place)
                refused = router_refuses(book, DEPLOYMENT.change(route, source=None, target=NAMES[place]))
                assert refused in expected if expected else refused is None, ladder
                answers.append(not expected)
    tell("router: one tool × code × assurance, ladders of 1 to 3", answers)


def test_a_router_obeys_a_canary_exactly_if_the_sets_allow_both_of_its_arms(tell: Tell) -> None:
    answers = []
    for ladders in packed(ladder for length in (2, 3) for ladder in product(subsets("tool a", "code"), repeat=length)):
        book = signed(ladders)
        for route, ladder in ladders.items():
            for source, target in product(range(len(ladder)), repeat=2):
                if source == target:
                    continue
                expected = against(ladder, source) | against(ladder, target)
                canary = DEPLOYMENT.change(route, source=NAMES[source], target=NAMES[target], weight=1, canary="c-1")
                refused = router_refuses(book, canary)
                assert refused in expected if expected else refused is None, ladder
                answers.append(not expected)
    tell("router, canaries: one tool × code, ladders of 2 and 3, every two rungs", answers)


def test_a_router_lets_a_route_only_read_exactly_if_the_sets_allow_the_rung_that_answers(tell: Tell) -> None:
    answers = []
    for ladders in packed(product(subsets("tool a", "code"), repeat=3)):
        book = signed(ladders, safe_state=SafeState.READ_ONLY, safe_reply=SafeReply(model=NAMES[2]))
        for route, ladder in ladders.items():
            expected = against(ladder, 2)
            order = DEPLOYMENT.change(route, source=None, target=NAMES[2], safe_state="read_only")
            refused = router_refuses(book, order)
            assert refused in expected if expected else refused is None, ladder
            answers.append(not expected)
    tell("router, read_only: one tool × code, ladders of 3", answers)
