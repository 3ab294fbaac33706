"""The first settings of services: each instance has a key and a memory of its own."""

import pytest

from interlock.runtime.first_settings import OPERATOR, OWNERS, first_settings, service_of


@pytest.mark.parametrize(
    ("instance", "service"),
    [
        ("decision", "decision"),
        ("decision-2", "decision"),
        ("health-monitor", "health-monitor"),
        ("gateway-12", "gateway"),
    ],
)
def test_a_number_at_its_end_makes_a_further_instance_of_a_service(instance: str, service: str) -> None:
    assert service_of(instance) == service


def test_a_further_instance_has_its_own_key_and_a_gateway_its_own_state() -> None:
    settings = first_settings("testbed", "127.0.0.1:9", {"agent": "k"}, ("decision-2", "gateway-2"))
    assert settings.keys() == {*OWNERS, "decision-2", "gateway-2", OPERATOR}
    keys = [values["key"] for name, values in settings.items() if name != OPERATOR]
    assert len(set(keys)) == len(keys)
    assert settings["decision-2"]["owner"] == "decision-2"
    first, second = settings["gateway"], settings["gateway-2"]
    assert first["state"] != second["state"]
    assert first["agents"] == second["agents"]
