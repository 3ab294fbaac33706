"""Ports for what is started later: none is given twice, and none that is in use."""

import socket
from collections import deque

import pytest

from interlock.brokers import free_ports as module
from interlock.brokers.free_ports import RANGE, free_ports
from interlock.vocabulary.errors import InfrastructureError


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> int:
    """The one port that there is to give."""
    (port,) = free_ports(1)
    monkeypatch.setattr(module, "RANGE", range(port, port + 1))
    monkeypatch.setattr(module, "_given", deque())
    return port


def test_ports_are_different_and_in_their_range():
    given = free_ports(20)
    assert len(set(given)) == 20
    assert set(given) <= set(RANGE)


def test_a_port_that_was_given_is_not_given_again(only: int):
    assert free_ports(1) == [only]
    with pytest.raises(InfrastructureError, match="Only 0 of 1 ports") as raised:
        free_ports(1)
    assert raised.value.mend == "Stop what listens there."


def test_a_port_that_is_in_use_is_not_given(only: int):
    with socket.socket() as user:
        user.bind(("127.0.0.1", only))
        with pytest.raises(InfrastructureError, match="Only 0 of 1 ports"):
            free_ports(1)
    assert free_ports(1) == [only]
