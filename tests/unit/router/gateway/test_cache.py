import pytest

from interlock.router.gateway import cache
from interlock.router.gateway.cache import CACHED_REPLY_BYTES_MAX, Kept, ReplyCache
from interlock.testing.builders import model
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros

ROUTE = RouteId("support", "main", "*")


def kept(body: bytes) -> Kept:
    return Kept(body, model("atlas"), substituted=False, at=Micros(0))


def test_an_answer_is_found_by_the_same_request_of_the_same_route_only() -> None:
    held = ReplyCache()
    held.put(ROUTE, b"asked", kept(b"answer"))

    assert held.get(ROUTE, b"asked") == kept(b"answer")
    assert held.get(ROUTE, b"asked else") is None
    assert held.get(RouteId("support", "main", "eu"), b"asked") is None
    assert held.get(RouteId("triage", "main", "*"), b"asked") is None


def test_route_and_request_cannot_run_into_each_other() -> None:
    held = ReplyCache()
    held.put(RouteId("a", "b", "c"), b"d", kept(b"answer"))

    assert held.get(RouteId("a", "b", "cd"), b"") is None


def test_a_later_answer_takes_the_place_of_an_earlier_one() -> None:
    held = ReplyCache()
    held.put(ROUTE, b"asked", kept(b"earlier"))
    held.put(ROUTE, b"asked", kept(b"later"))

    assert held.get(ROUTE, b"asked") == kept(b"later")


def test_the_oldest_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "CACHE_ENTRIES_MAX", 2)
    held = ReplyCache()
    for name in (b"one", b"two", b"three"):
        held.put(ROUTE, name, kept(name))

    assert [held.get(ROUTE, name) is not None for name in (b"one", b"two", b"three")] == [False, True, True]


def test_the_oldest_go_when_they_are_too_large_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "CACHE_BYTES_MAX", 10)
    held = ReplyCache()
    for name in (b"one", b"two", b"one", b"three"):
        held.put(ROUTE, name, kept(b"four"))

    assert [held.get(ROUTE, name) is not None for name in (b"two", b"one", b"three")] == [False, True, True]


def test_room_that_was_given_back_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "CACHE_BYTES_MAX", 8)
    held = ReplyCache()
    held.put(ROUTE, b"one", kept(b"four"))
    held.drop(ROUTE, b"one")
    held.drop(ROUTE, b"one")
    held.put(ROUTE, b"two", kept(b"four"))
    held.put(ROUTE, b"three", kept(b"four"))

    assert [held.get(ROUTE, name) is not None for name in (b"one", b"two", b"three")] == [False, True, True]


def test_an_answer_that_is_too_large_is_not_kept_and_leaves_no_older_one_in_its_place() -> None:
    held = ReplyCache()
    held.put(ROUTE, b"asked", kept(b"short"))
    held.put(ROUTE, b"asked", kept(b"x" * (CACHED_REPLY_BYTES_MAX + 1)))

    assert held.get(ROUTE, b"asked") is None
