import hashlib

import pytest

from interlock.vocabulary.identifiers import Order, RouteId, is_name, is_scope, shard_of
from interlock.vocabulary.limits import IDENTIFIER_CHARS_MAX


@pytest.mark.parametrize("text", ["a", "0", "atlas-large", "a.b_c@d", "a" * IDENTIFIER_CHARS_MAX])
def test_a_name(text: str):
    assert is_name(text)
    assert is_scope(text)


@pytest.mark.parametrize(
    "text",
    ["", "A", "-a", ".a", "a b", "a/b", "a\n", "é", "а", "a" * (IDENTIFIER_CHARS_MAX + 1)],  # noqa: RUF001
)
def test_no_name(text: str):
    assert not is_name(text)
    assert not is_scope(text)


def test_a_star_is_a_scope_and_no_name():
    assert is_scope("*")
    assert not is_name("*")


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("support", RouteId("support", "main", "*")),
        ("support/main/*", RouteId("support", "main", "*")),
        ("support/draft/eu", RouteId("support", "draft", "eu")),
    ],
)
def test_a_route_is_read_from_its_key(text: str, route: RouteId):
    assert RouteId.parse(text) == route
    assert RouteId.parse(route.key) == route


@pytest.mark.parametrize("text", ["", "*", "a/b", "a/b/c/d", "a//c", "*/b/c", "a/*/c", "a/b/", "A/b/c", "a/b/c "])
def test_anything_else_names_no_route(text: str):
    assert RouteId.parse(text) is None


def test_orders_compare_from_the_left():
    assert Order(1, 9, 9) < Order(2, 0, 0) < Order(2, 0, 1) < Order(2, 1, 0)
    assert str(Order(1, 2, 3)) == "1.2.3"


def test_the_shard_of_an_agent_is_its_hash_modulo_the_number_of_shards():
    for agent in ("support", "triage", "drafting"):
        expected = int(hashlib.sha256(agent.encode()).hexdigest(), 16)
        assert [shard_of(agent, shards) for shards in (1, 4, 7)] == [0, expected % 4, expected % 7]
