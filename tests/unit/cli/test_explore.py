from collections.abc import Callable
from typing import Any


def test_a_few_states_are_too_few_for_everything_to_happen_and_the_answer_is_no(
    as_json: Callable[..., dict[str, Any]],
) -> None:
    found = as_json("explore", "--states", "1000", "--no-guards", code=1)
    assert found["states"] >= 1_000
    assert found["violations"] == []
    assert found["guards"] == []
    assert 0 in found["actions_fired"].values()
    assert {world["name"] for world in found["worlds"]} >= {"full", "theft", "takeover"}
