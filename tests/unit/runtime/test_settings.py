"""Settings are read once, from one file and the environment, and every mistake names its place and its mend."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interlock.runtime.settings import Address, Duration, SecretReference, ServiceSettings, secret
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import Micros

GOOD = """
bootstrap = "127.0.0.1:9092"
deployment = "demo"
trust_root = "trust/root.1.json"
"""


class Probe(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    interval: Duration = Micros(1_000_000)
    credential: SecretReference = "env:PROBE_KEY"
    answers: Path = Path("answers")


class ExampleSettings(ServiceSettings):
    blind: Duration = Micros(0)
    probe: Probe = Probe()
    models: tuple[str, ...] = ()
    probes: dict[str, Probe] = Field(default_factory=dict)
    files: tuple[Path, ...] = ()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)


def written(directory: Path, text: str) -> Path:
    path = directory / "example.toml"
    path.write_text(text, "utf-8")
    return path


def refusal(directory: Path, text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        ExampleSettings.load(written(directory, text))
    return caught.value


def test_a_good_file_gives_settings_with_defaults(tmp_path: Path) -> None:
    settings = ExampleSettings.load(written(tmp_path, GOOD))
    assert settings.bootstrap == "127.0.0.1:9092"
    assert settings.listen == Address("127.0.0.1", 0)
    assert (settings.log_level, settings.fetch_wait_ms, settings.key) == ("info", 100, None)


def test_paths_are_relative_to_the_file_wherever_they_stand(tmp_path: Path) -> None:
    text = GOOD + 'key = "/etc/key"\nfiles = ["a"]\n[probes.p]\nanswers = "b"\n'
    settings = ExampleSettings.load(written(tmp_path, text))
    assert settings.trust_root == tmp_path / "trust/root.1.json"
    assert settings.key == Path("/etc/key")
    assert settings.files == (tmp_path / "a",)
    assert settings.probe.answers == tmp_path / "answers"
    assert settings.probes["p"].answers == tmp_path / "b"


def test_the_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_BLIND", "20s")
    monkeypatch.setenv("INTERLOCK_PROBE__INTERVAL", "3s")
    monkeypatch.setenv("INTERLOCK_LISTEN", "127.0.0.1:8081")
    monkeypatch.setenv("INTERLOCK_MODELS", '["m1", "m2"]')
    text = GOOD + 'blind = "10s"\n[probe]\ninterval = "1s"\ncredential = "env:OTHER"\n'
    settings = ExampleSettings.load(written(tmp_path, text))
    assert (settings.blind, settings.probe.interval) == (20_000_000, 3_000_000)
    assert settings.probe.credential == "env:OTHER"
    assert settings.listen.port == 8081
    assert settings.models == ("m1", "m2")


def test_the_bootstrap_servers_of_the_environment_win_in_a_stated_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GOOD)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1111,[::1]:2222")
    assert ExampleSettings.load(path).bootstrap == "127.0.0.1:1111,[::1]:2222"
    monkeypatch.setenv("INTERLOCK_BOOTSTRAP", "127.0.0.1:3333")
    assert ExampleSettings.load(path).bootstrap == "127.0.0.1:3333"


def test_constructing_settings_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_DEPLOYMENT", "other")
    settings = ExampleSettings(bootstrap="127.0.0.1:1", deployment="demo", trust_root=Path("root"))
    assert settings.deployment == "demo"


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = ExampleSettings.load(written(tmp_path, GOOD))
    with pytest.raises(ValidationError):
        settings.deployment = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "message", "mend"),
    [
        (GOOD + 'deploymnt = "x"', "`deploymnt`: no such setting", "Did you mean `deployment`?"),
        (GOOD + "zzz = 1", "`zzz`: no such setting", "use one of: blind, bootstrap"),
        (GOOD + '[probe]\nintervall = "1s"', "`probe.intervall`: no such setting", "correct its spelling"),
        (GOOD.replace('deployment = "demo"', ""), "`deployment`: missing", "Add `deployment` to"),
        (GOOD + 'fetch_wait_ms = "soon"', "`fetch_wait_ms`: Input should be a valid integer", "Correct"),
        (GOOD + "blind = 30", "`blind`: 30 has no unit", "Correct `blind`"),
        (GOOD + 'blind = "30"', "`blind`: '30' is not a duration; write a whole number and a unit", "Correct"),
        (GOOD + 'listen = "0.0.0.0:80"', "'0.0.0.0' is not a loopback host; write '127.0.0.1:80'", "Correct"),
        (GOOD + 'listen = "localhost"', "'localhost' is not an address; write host:port", "Correct"),
        (GOOD.replace("demo", "De mo"), "`deployment`: 'De mo' is not a name", "Correct"),
        (GOOD.replace(":9092", ""), "`bootstrap`: '127.0.0.1' names no Kafka servers", "Correct"),
        ("bootstrap", "is not TOML: Expected '=' after a key", "Mend that line"),
    ],
)
def test_a_mistake_in_the_file_names_file_key_and_mend(tmp_path: Path, text: str, message: str, mend: str) -> None:
    error = refusal(tmp_path, text)
    assert str(tmp_path / "example.toml") in error.message
    assert message in error.message
    assert mend in error.mend
    assert error.exit_code == 2


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    assert "at line 5" in refusal(tmp_path, GOOD + "oops\n").message


def test_a_missing_file_says_who_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="interlock init") as caught:
        ExampleSettings.load(tmp_path / "absent.toml")
    assert "absent.toml cannot be read" in caught.value.message


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    error = refusal(tmp_path, GOOD + 'blind = 3\nzzz = 1\nlog_level = "loud"')
    assert all(key in error.message for key in ("`blind`", "`zzz`", "`log_level`"))


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_PROBE__INTERVAL", "often")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "nowhere")
    error = refusal(tmp_path, GOOD)
    assert "environment variable INTERLOCK_PROBE__INTERVAL: 'often' is not a duration" in error.message
    assert "environment variable KAFKA_BOOTSTRAP_SERVERS: 'nowhere' names no Kafka" in error.message
    assert "Correct KAFKA_BOOTSTRAP_SERVERS" in error.mend


def test_a_variable_that_should_be_json_and_is_not_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_MODELS", "m1,m2")
    assert "JSON" in refusal(tmp_path, GOOD).mend


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_KEY", "hush")
    assert secret("env:ATLAS_KEY") == "hush"


def test_a_secret_that_is_not_set_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATLAS_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="Set the environment variable ATLAS_KEY"):
        secret("env:ATLAS_KEY")


def test_a_secret_pasted_where_its_reference_belongs_is_never_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        secret("sk-verysecret")
    assert "verysecret" not in str(caught.value)
    error = refusal(tmp_path, GOOD + '[probe]\ncredential = "sk-verysecret"')
    assert "verysecret" not in str(error)
    assert "write 'env:' and the name" in error.message


@pytest.mark.parametrize("text", ["127.0.0.1:4318", "ftp://host/v1/traces", "http://", "http://host:99999/", "//host"])
def test_what_is_no_collectors_address_is_refused_with_the_mend(tmp_path: Path, text: str) -> None:
    error = refusal(tmp_path, f'{GOOD}traces = "{text}"\n')
    assert "`traces`: it is not a collector's address; write 'http://127.0.0.1:4318/v1/traces'" in error.message


def test_credentials_in_a_collectors_address_are_refused_and_never_repeated(tmp_path: Path) -> None:
    error = refusal(tmp_path, GOOD + 'traces = "https://me:verysecret@host/v1/traces"\n')
    assert "verysecret" not in str(error)
    assert "OTEL_EXPORTER_OTLP_HEADERS" in error.message


def test_a_collectors_address_is_taken_as_it_is(tmp_path: Path) -> None:
    url = "http://127.0.0.1:4318/v1/traces"
    assert ExampleSettings.load(written(tmp_path, f'{GOOD}traces = "{url}"\n')).traces == url
