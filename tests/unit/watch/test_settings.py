"""The promise is a bound on the settings."""

from pathlib import Path

import pytest

from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import seconds
from interlock.watch.settings import WatchSettings

NEEDED = 'bootstrap = "127.0.0.1:9092"\ndeployment = "acme"\ntrust_root = "root-1.sealed"\nowner = "watch-1"\nkey = "watch-1.pem"\n'


def loaded(tmp_path: Path, *lines: str) -> WatchSettings:
    path = tmp_path / "watch.toml"
    path.write_text(NEEDED + "\n".join(lines), encoding="utf-8")
    return WatchSettings.load(path)


def test_left_alone_it_keeps_the_promise(tmp_path: Path):
    settings = loaded(tmp_path)
    assert (settings.deadline, settings.heartbeat_url) == (seconds(300), None)
    assert settings.period <= seconds(5)


def test_what_is_shorter_may_be_set(tmp_path: Path):
    settings = loaded(tmp_path, 'deadline = "15s"', 'period = "5s"', 'heartbeat_url = "https://alive.example.net/abc"')
    assert (settings.deadline, settings.period) == (seconds(15), seconds(5))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('deadline = "301s"', "5m"),
        ('deadline = "0s"', "deadline"),
        ('period = "6s"', "5s"),
        ('period = "0s"', "period"),
        ('heartbeat_url = "alive.example.net/topsecret"', "https://"),
        ('heartbeat_url = "ftp://alive.example.net/topsecret"', "https://"),
        ('heartbeat_url = "https://[::1/topsecret"', "https://"),
    ],
)
def test_what_breaks_the_promise_is_refused_in_words_that_repeat_no_secret(tmp_path: Path, line: str, told: str):
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, line)
    assert told in str(refused.value)
    assert "topsecret" not in str(refused.value)
