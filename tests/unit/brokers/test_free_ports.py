"""Ports for what is started later: none is given twice, and none that is in use."""

import socket

import pytest

from interlock.brokers import free_ports as module
from interlock.brokers.free_ports import RANGE, free_ports
from interlock.vocabulary.errors import InfrastructureError


def test_no_port_is_given_twice():
    given = [*free_ports(3), *(port for _ in range(200) for port in free_ports(1))]
    assert len(set(given)) == 203
    assert set(given) <= set(RANGE)


def test_a_port_that_is_in_use_is_not_given(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as user:
        (port,) = free_ports(1)
        user.bind(("127.0.0.1", port))
        monkeypatch.setattr(module, "RANGE", range(port, port + 1))
        module._given.clear()
        with pytest.raises(InfrastructureError, match="Only 0 of 1 ports") as raised:
            free_ports(1)
    assert raised.value.mend == "Stop what listens there."
    assert free_ports(1) == [port]
