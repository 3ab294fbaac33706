import hashlib

import pytest

from interlock.router.gateway.agents import Agents
from interlock.router.gateway.settings import AgentKey
from interlock.vocabulary.identifiers import RouteId


def known(agent: str, key: str, **place: str) -> AgentKey:
    return AgentKey(agent=agent, key_sha256=hashlib.sha256(key.encode()).hexdigest(), **place)


AGENTS = Agents(
    [known("support", "key-1"), known("support", "key-2", slot="summary", scope="eu"), known("triage", "key-3")]
)


@pytest.mark.parametrize(
    ("authorization", "route"),
    [
        ("Bearer key-1", RouteId("support", "main", "*")),
        ("bearer key-2", RouteId("support", "summary", "eu")),
        ("Bearer  key-3 ", RouteId("triage", "main", "*")),
    ],
)
def test_a_key_stands_for_one_route(authorization: str, route: RouteId) -> None:
    assert AGENTS.route_of(authorization) == route


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer key-4", "Basic key-1", "key-1", "Bearer \udce9"]
)
def test_nobody_else_is_let_in(authorization: str | None) -> None:
    assert AGENTS.route_of(authorization) is None


def test_the_hash_of_a_key_is_not_a_key() -> None:
    assert AGENTS.route_of(f"Bearer {hashlib.sha256(b'key-1').hexdigest()}") is None
