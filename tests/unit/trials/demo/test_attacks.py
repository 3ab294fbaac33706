import pytest

from interlock.router.core.accept import Answer, accept
from interlock.router.core.marks import Marks
from interlock.router.core.state import RouterState
from interlock.testing.builders import Deployment
from interlock.testing.driver import AGENT, Driver
from interlock.trials.demo.attacks import Attack, Loot, attacks
from interlock.vocabulary.time import Micros, Reading


def story() -> tuple[RouterState, list[Attack], Reading]:
    """A router whose route went from the safe state to `atlas`, and what attackers then make."""
    deployment = Deployment()
    policy = deployment.policy(AGENT, ["atlas", "birch"])
    driver = Driver(deployment, policy)
    driver.all_healthy("atlas", "birch")
    driver.wait(10)
    now = Reading(driver.now, Micros(0))
    state = RouterState.start(1, deployment.book(policy), Marks.of({}))
    for order in driver.orders:
        taken = accept(state, deployment.seal(order, "decision-1"), 0, now)
        assert taken.answer is Answer.ACCEPTED
        state = taken.state
    loot = Loot(
        deployment.key("decision-1"), deployment.key("gateway-1"), deployment.seal(driver.orders[0], "decision-1")
    )
    return state, attacks(driver.orders[-1], approved="birch", unapproved="comet", loot=loot), now


@pytest.mark.parametrize("place", range(5))
def test_a_router_refuses_each_attack_for_the_reason_that_the_story_expects(place: int) -> None:
    state, made, now = story()
    answer = accept(state, made[place].sealed, 0, now)
    assert answer.answer is Answer.REFUSED
    assert answer.refused is not None
    assert answer.refused.reason is made[place].expected
    assert answer.state.held == state.held


def test_there_is_one_attack_of_each_kind() -> None:
    _, made, _ = story()
    assert len({attack.kind for attack in made}) == len(made) == 5
