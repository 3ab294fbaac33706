from pathlib import Path

from interlock.policy.admissible import inadmissible
from interlock.policy.book import Book, Taken, take
from interlock.runtime.founding import found
from interlock.runtime.opening import load_trust
from interlock.testing.builders import NOW
from interlock.trials.demo.cast import ACTORS, AGENT, DEPLOYMENT, LADDER, OTHER_AGENT, ROUTE, TEMPTER, plan
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason


def book(folder: Path) -> Book:
    """The book of the founded demo."""
    workspace = found(folder, plan(NOW, dict.fromkeys((actor.model for actor in ACTORS), 9), 9), NOW)
    held = Book.start(*load_trust(workspace.root, DEPLOYMENT))
    for agent in (AGENT, OTHER_AGENT):
        taken = take(held, (workspace.policies / f"{agent}.sealed").read_bytes())
        assert isinstance(taken, Taken)
        held = taken.book
    return held


def test_the_tempter_is_approved_for_the_other_agent_and_for_this_one_only_the_ladder(tmp_path: Path) -> None:
    held = book(tmp_path)
    assert [inadmissible(held, ROUTE, model, NOW) for model in LADDER] == [None, None]
    assert inadmissible(held, RouteId(OTHER_AGENT, "main", "*"), TEMPTER, NOW) is None
    assert inadmissible(held, ROUTE, TEMPTER, NOW) is Reason.NOT_ON_LADDER


def test_the_tempter_is_quicker_than_all_others() -> None:
    assert min(ACTORS, key=lambda actor: actor.latency_ms).model == TEMPTER
