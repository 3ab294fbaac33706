import stat
from pathlib import Path

import pytest

from interlock.brokers import jars
from interlock.vocabulary.errors import ConfigurationError, InfrastructureError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(jars, "_cache", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory where programs are looked for, and an empty one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def java(path: Path, version: str) -> None:
    program(path, f"echo 'openjdk version \"{version}\"' >&2")


def test_the_pom_is_found():
    assert "kafka_2.13" in jars.find_pom().read_text(encoding="utf-8")


def test_without_java_one_is_told_to_install_it_or_to_name_a_broker(programs):
    with pytest.raises(ConfigurationError, match=r"Java is not installed.*Java 17.*KAFKA_BOOTSTRAP_SERVERS"):
        jars.find_java()


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_292"])
def test_an_old_java_is_not_good_enough(programs, version):
    java(programs / "java", version)
    with pytest.raises(ConfigurationError, match="not Java 17 or newer"):
        jars.find_java()


@pytest.mark.parametrize("version", ["17.0.15", "25"])
def test_a_new_java_is_found_on_the_path(programs, version):
    java(programs / "java", version)
    assert jars.find_java() == str(programs / "java")


def test_the_java_that_java_home_names_comes_first(programs, tmp_path, monkeypatch):
    java(programs / "java", "11.0.2")
    java(tmp_path / "home" / "bin" / "java", "21")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert jars.find_java() == str(tmp_path / "home" / "bin" / "java")


def test_without_maven_one_is_told_to_install_it_or_to_name_a_broker(cache, programs):
    with pytest.raises(ConfigurationError, match=r"Maven is not installed.*mvn.*KAFKA_BOOTSTRAP_SERVERS"):
        jars.find_jars()


def test_what_maven_complains_of_is_told_and_nothing_is_left_behind(cache, programs):
    program(programs / "mvn", "echo '[ERROR] cannot reach the repository'; exit 1")
    with pytest.raises(InfrastructureError, match="cannot reach the repository"):
        jars.find_jars()
    assert list(cache.iterdir()) == []


def test_the_jars_are_fetched_once_for_each_pom(cache, programs, monkeypatch):
    program(
        programs / "mvn",
        'for word; do case "$word" in -DoutputDirectory=*) /bin/mkdir "${word#*=}"; : > "${word#*=}/kafka.jar";; esac; done',
    )
    found = jars.find_jars()
    assert [each.name for each in found.iterdir()] == ["kafka.jar"]
    (programs / "mvn").unlink()
    assert jars.find_jars() == found
