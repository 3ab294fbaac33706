from pathlib import Path
from typing import Any

import pytest

from interlock.router.gateway.settings import GatewaySettings
from interlock.vocabulary.errors import ConfigurationError

HASH = "ab" * 32
PLAIN = f"""
bootstrap = "127.0.0.1:9092"
deployment = "testbed"
trust_root = "root-1.sealed"
owner = "gateway-1"
key = "gateway-1.pem"
state = "state/marks.sqlite"
%s
[[agents]]
agent = "support"
key_sha256 = "{HASH}"
"""


def load(tmp_path: Path, more: str = "", after: str = "") -> GatewaySettings:
    path = tmp_path / "gateway.toml"
    path.write_text(PLAIN % more + after)
    return GatewaySettings.load(path)


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert str(settings.serve) == "127.0.0.1:8080"
    assert settings.lease == 15_000_000
    assert settings.agents[0].route.key == "support/main/*"
    assert settings.state == tmp_path / "state/marks.sqlite"


@pytest.mark.parametrize(
    ("more", "after", "said"),
    [
        ('lease = "9s"', "", "ends before a new decision owner can beat"),
        ('skew = "1m"', "", "`skew` may be 5s at most"),
        ('serve = "0.0.0.0:8080"', "", "not a loopback host"),
        ("timeouts = {stall = '10m'}", "", "no timeout may be longer than `total`"),
        ("timeouts = {connect = '0s'}", "", "longer than nothing"),
        ("", f'[[agents]]\nagent = "triage"\nkey_sha256 = "{HASH}"', "the same key"),
        ("", '[[agents]]\nagent = "triage"\nkey_sha256 = "secret"', "agents.1.key_sha256"),
        ("", '[[agents]]\nagent = "triage"\nkey = "secret"', "no such setting"),
        ("", f'[[agents]]\nagent = "triage"\nscope = "a b"\nkey_sha256 = "{HASH[::-1]}"', "is not a scope"),
    ],
)
def test_what_cannot_work_is_refused_with_the_mend(tmp_path: Path, more: str, after: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, more, after)

    assert said in refused.value.message


def test_a_short_lease_is_allowed_where_takeovers_are_as_short(tmp_path: Path) -> None:
    settings: Any = load(tmp_path, 'lease = "3s"\nsession_timeout = "2s"\nrebuild = "1s"')

    assert settings.lease == 3_000_000
