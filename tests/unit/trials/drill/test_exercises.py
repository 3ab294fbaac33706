"""What must be so of the drill's exercises before anything is played."""

from collections import Counter
from pathlib import Path

import pytest

from interlock.policy.authoring.document import parse
from interlock.policy.authoring.registry import RegistryDocument, model_of
from interlock.policy.authoring.source import Source, read
from interlock.policy.lattice import DIMENSIONS
from interlock.records.models import Model
from interlock.runtime.founding import found
from interlock.trials.drill import broader
from interlock.trials.drill.cast import ALWAYS, TEMPTER, Cast
from interlock.trials.drill.catalogue import EXERCISES, selected
from interlock.trials.drill.exercise import Outcome, Seen
from interlock.trials.drill.founded import Places, plan, policy_text
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.time import Micros

NOW = Micros(1_800_000_000_000_000)
EVERYBODY = Cast.together([ALWAYS, *(exercise.cast for exercise in EXERCISES)])
PLACES = Places(
    {actor.at: f"http://127.0.0.1:1/{actor.at}" for actor in EVERYBODY.models},
    "http://127.0.0.1:2",
    "http://127.0.0.1:3",
)


def registered() -> dict[str, Model]:
    source = read(plan(EVERYBODY, PLACES, NOW).registry, "registry.yaml")
    assert isinstance(source, Source)
    document = parse(source, RegistryDocument)
    assert isinstance(document, RegistryDocument)
    return {name: model_of(name, entry) for name, entry in document.models.items()}


def test_everybody_of_every_exercise_fits_into_one_deployment(tmp_path: Path) -> None:
    workspace = found(tmp_path / "deployment", plan(EVERYBODY, PLACES, NOW), NOW)

    assert {path.stem for path in workspace.policies.glob("*.sealed")} == {agent.name for agent in EVERYBODY.agents}


def test_exercises_share_no_agent_and_no_model() -> None:
    named = Counter(each.name for each in EVERYBODY.agents) + Counter(each.model for each in EVERYBODY.models)

    assert [name for name, times in named.items() if times > 1] == []


def test_the_tempter_is_on_no_ladder_of_an_exercise_and_quicker_than_every_other_model() -> None:
    assert all(TEMPTER not in agent.ladder for exercise in EXERCISES for agent in exercise.cast.agents)
    (tempter,) = ALWAYS.models
    assert tempter.latency_ms <= min(actor.latency_ms for actor in EVERYBODY.models if actor.model != TEMPTER) + 1


def test_there_is_a_model_for_each_dimension_of_the_lattice_that_is_broader_in_this_one_alone() -> None:
    models = registered()
    primary = models[broader.PRIMARY]

    for wanted, dimension in zip(broader.WANTED, DIMENSIONS, strict=True):
        beyond = [each.name for each in DIMENSIONS if not each.within(models[wanted.model], primary)]
        assert beyond == [dimension.name]


def test_the_second_fallback_is_within_the_primary_and_beyond_the_first() -> None:
    models = registered()
    primary, first, second = (models[name] for name in broader.WANTED_BEHIND.ladder)

    assert all(each.within(first, primary) and each.within(second, primary) for each in DIMENSIONS)
    assert [each.name for each in DIMENSIONS if not each.within(second, first)] == ["tools"]


def test_the_first_policies_of_8_3_name_no_broader_model() -> None:
    wanted = {each.model for each in (*broader.WANTED, broader.WANTED_BEHIND)}

    assert all(not wanted & set(agent.ladder) for agent in broader.CAST.agents)


def test_a_draft_says_the_ladders_that_are_given_a_route_each_under_the_next_version() -> None:
    agent = broader.CAST.agents[0]
    source = read(policy_text(agent, PLACES, NOW, version=2, ladders={ANY: ("a", "b"), "eu": ("c",)}), "draft.yaml")

    assert isinstance(source, Source)
    assert (source.data["agent"], source.data["version"]) == (agent.name, 2)
    routes = [(route["scope"], [rung["model"] for rung in route["ladder"]]) for route in source.data["routes"]]
    assert routes == [(ANY, ["a", "b"]), ("eu", ["c"])]


def test_tests_are_selected_by_number_in_the_standards_order() -> None:
    assert [exercise.id for exercise in selected(["8.3", "8.1"])] == ["8.1", "8.3"]
    assert selected([]) == list(EXERCISES)
    with pytest.raises(ConfigurationError, match=r"no test '9\.9'"):
        selected(["9.9"])


def test_the_line_of_a_test_is_what_was_seen_in_each_act_or_the_first_fault_and_how_many_more() -> None:
    outcome = Outcome(EXERCISES[0])
    outcome.add(Seen({"a": 1}, "this was seen"))
    outcome.add(Seen({"b": 2}, "and that"))
    assert (outcome.passed, outcome.line, outcome.evidence) == (True, "this was seen; and that", {"a": 1, "b": 2})

    outcome.add(Seen({}, "", ("One thing is wrong.",)))
    outcome.stop("Another is.")
    assert (outcome.passed, outcome.stopped, outcome.line) == (False, True, "One thing is wrong. (and 1 more)")
