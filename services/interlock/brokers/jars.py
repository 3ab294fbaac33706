"""Java, and the jars of Apache Kafka: found, or fetched once through Maven.

What to fetch is in `deploy/kafka/pom.xml`. The jars of one pom have a directory of their own, which appears
whole or not at all, so a second call only looks. Not handled here: where Maven fetches from; that is in its
own settings.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from interlock.vocabulary.errors import ConfigurationError, InfrastructureError

JAVA_VERSION_MIN = 17
"""What Kafka 4 asks for."""

_MAVEN_S_MAX = 600
_OR_ELSE = "or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs elsewhere."


def find_pom() -> Path:
    """The `pom.xml` that names the jars: in the checkout, or in the installed package.

    Raises:
        ConfigurationError: It is in neither.
    """
    package = Path(__file__).resolve().parents[1]
    for root in (_checkout(), package):
        if (pom := root / "deploy" / "kafka" / "pom.xml").is_file():
            return pom
    raise ConfigurationError("deploy/kafka/pom.xml is missing from this installation.", "Install Interlock again.")


def find_java() -> str:
    """The path of a Java that is new enough.

    Raises:
        ConfigurationError: There is none.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else None
    java = java or shutil.which("java")
    if java is None:
        raise ConfigurationError(
            "Java is not installed.", f"Install a Java {JAVA_VERSION_MIN} runtime or newer, {_OR_ELSE}"
        )
    told = subprocess.run(  # noqa: S603 - the user's own Java
        [java, "-version"], capture_output=True, text=True, check=False
    ).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < JAVA_VERSION_MIN:
        raise ConfigurationError(
            f"{java} is not Java {JAVA_VERSION_MIN} or newer.", f"Install one and let JAVA_HOME name it, {_OR_ELSE}"
        )
    return java


def find_jars() -> Path:
    """The directory that holds Kafka's jars, fetched now if they are not there.

    Raises:
        ConfigurationError: Maven is needed and not installed.
        InfrastructureError: Maven could not fetch them.
    """
    pom = find_pom()
    jars = _cache() / f"lib-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not jars.is_dir():
        maven = shutil.which("mvn")
        if maven is None:
            raise ConfigurationError("Maven is not installed.", f"Install Maven (the command is mvn), {_OR_ELSE}")
        jars.parent.mkdir(parents=True, exist_ok=True)
        _fetch(maven, pom, jars)
    return jars


def _fetch(maven: str, pom: Path, jars: Path) -> None:
    """Fetch into a directory beside the one wanted, then rename: nobody ever sees half of the jars."""
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="fetching-") as scratch:
        fresh = Path(scratch) / "lib"
        command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
        try:
            done = subprocess.run(  # noqa: S603 - the user's own Maven, on our pom
                command, capture_output=True, text=True, timeout=_MAVEN_S_MAX, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise _not_fetched(f"it took more than {_MAVEN_S_MAX} s") from error
        if done.returncode or not fresh.is_dir():
            said = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
            raise _not_fetched(said[0] if said else f"exit code {done.returncode}")
        try:
            fresh.rename(jars)
        except OSError:
            if not jars.is_dir():  # else somebody else was quicker, and theirs are the same
                raise


def _not_fetched(why: str) -> InfrastructureError:
    return InfrastructureError(
        f"Maven could not fetch the jars of Kafka: {why}.",
        f"Check Maven's settings and the network, {_OR_ELSE}",
    )


def _checkout() -> Path:
    """The root of the checkout, if this file is in one: services/interlock/brokers/jars.py is three below it."""
    return Path(__file__).resolve().parents[3]


def _cache() -> Path:
    """Below the checkout, so that it goes with it; else in the user's cache."""
    if (_checkout() / "pyproject.toml").is_file():
        return _checkout() / ".kafka"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "interlock" / "kafka"
