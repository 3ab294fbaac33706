"""A real Kafka broker of one node (KRaft), from the Apache jars, on loopback.

    broker = KafkaBroker.start(data_dir)
    try:
        bus = KafkaBus(broker.bootstrap)
    finally:
        broker.stop()

It dies with the process that started it, however that ends: a watcher beside it holds a pipe from here, and
ends it when the pipe closes. A broker that outlives its starter is made by `interlock.brokers.detached`. Data
in `data_dir` is used again by the next start. Not handled here: clusters of several nodes, encryption, access
control, topics.
"""

import base64
import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from interlock.brokers.jars import find_jars, find_java
from interlock.brokers.waiting import wait_for
from interlock.vocabulary.errors import ConfigurationError, InfrastructureError

START_S_MAX = 60.0
"""A broker answers 2 to 3 s after its start on an idle machine; a busy one may take many times that."""

STOP_S_MAX = 15.0
"""A broker that is asked to stop needs about a second; then it is killed."""

_JAVA_FLAGS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dlog4j2.level=WARN",
)
"""Little memory and a quick start: this broker is for development and tests."""

_WATCHED = 'exec 3<&0; { cat <&3 >/dev/null; kill $$; } & exec 3<&-; exec "$@" </dev/null'
"""Runs a command under its own process id, and beside it a watcher that ends it once standard input is closed."""


class KafkaBroker:
    """A broker that runs as a child of this process. Made by `start`.

    Attributes:
        bootstrap: Where it listens, `127.0.0.1:port`.
        pid: Its process.
    """

    def __init__(self, bootstrap: str, process: subprocess.Popen[bytes]) -> None:
        self.bootstrap = bootstrap
        self.pid = process.pid
        self._process = process

    @classmethod
    def start(cls, data_dir: Path, *, port: int | None = None) -> "KafkaBroker":
        """Start a broker and wait until it answers.

        Args:
            data_dir: Where its records, settings and log are; made if it is not there.
            port: Where it shall listen; None takes a free one.

        Raises:
            ConfigurationError: Java or Maven is missing.
            InfrastructureError: It ended or did not answer in time; the end of its log is in the message.
        """
        bootstrap, command = prepare(data_dir, port=port)
        with log_file(data_dir).open("ab") as log:
            process = spawn(["sh", "-c", _WATCHED, "kafka", *command], log, stdin=subprocess.PIPE)
        broker = cls(bootstrap, process)
        try:
            wait_until_up(bootstrap, process, data_dir)
        except BaseException:
            broker.stop()
            raise
        return broker

    def stop(self) -> None:
        """Stop it, gently at first. Returns in bounded time, and may be called twice."""
        if self._process.stdin is None or self._process.stdin.closed:
            return
        end_group(self.pid, signal.SIGTERM)  # the watcher too
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            end_group(self.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stdin.close()


def prepare(data_dir: Path, *, port: int | None) -> tuple[str, list[str]]:
    """Write a broker's settings and format its directory, if that has not been done.

    Returns:
        Where it will listen, and the command that runs it.

    Raises:
        ConfigurationError: Java or Maven is missing, or the port is in use.
        InfrastructureError: The jars could not be fetched, or the directory not formatted.
    """
    free_port, controller_port = _free_ports()
    port = port or free_port
    if _listens(port):
        raise ConfigurationError(f"Port {port} is in use.", "Stop what listens there, or choose another port.")
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    settings = data_dir / "server.properties"
    settings.write_text(_settings(data_dir / "records", port, controller_port), encoding="utf-8")
    java = [find_java(), *_JAVA_FLAGS, "-cp", f"{find_jars()}/*"]
    if not (data_dir / "records" / "meta.properties").is_file():
        _format(java, settings)
    return f"127.0.0.1:{port}", [*java, "kafka.Kafka", str(settings)]


def spawn(
    command: Sequence[str], log: IO[bytes], *, stdin: int = subprocess.DEVNULL, keep: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that a Ctrl-C meant for us does not stop it before its clients."""
    return subprocess.Popen(  # noqa: S603 - the command is made here, of paths and numbers
        command, stdin=stdin, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, pass_fds=keep
    )


def wait_until_up(bootstrap: str, process: subprocess.Popen[bytes], data_dir: Path) -> None:
    """Wait until the broker answers a question of the protocol, which is later than its port opens.

    Raises:
        InfrastructureError: It ended, or did not answer within `START_S_MAX`.
    """
    told = wait_for(lambda: process.poll() is not None or _answers(bootstrap), START_S_MAX)
    if process.returncode is not None:
        raise _not_up(f"it ended with exit code {process.returncode}", data_dir)
    if not told:
        raise _not_up(f"it did not answer within {START_S_MAX:g} s", data_dir)


def end_group(pid: int, number: signal.Signals) -> None:
    """Signal a process that leads its session, and what it started; nothing happens if it is gone."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def log_file(data_dir: Path) -> Path:
    """Where a broker's log is."""
    return data_dir / "broker.log"


def _answers(bootstrap: str) -> bool:
    if not _listens(int(bootstrap.rpartition(":")[2])):
        return False
    try:
        return bool(AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=5).brokers)
    except KafkaException:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _format(java: Sequence[str], settings: Path) -> None:
    # With the equals sign, since an identifier may begin with a hyphen.
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(settings)]
    done = subprocess.run(  # noqa: S603 - the command is made above, of paths
        command, capture_output=True, text=True, timeout=START_S_MAX, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["no reason was given"]
        raise InfrastructureError(
            f"Kafka could not format {settings.parent}: {said[-1]}.",
            "Remove the directory if nothing in it is needed, and try again.",
        )


def _not_up(why: str, data_dir: Path) -> InfrastructureError:
    log = log_file(data_dir)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = "\n".join(["", *[line for line in lines if not line.startswith("\t")][-5:]])  # without Java's stack
    return InfrastructureError(f"The Kafka broker did not start: {why}.{said}\n", f"Its whole log is {log}.")


def _free_ports() -> tuple[int, int]:
    """Two different ports that nobody has at this moment."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _settings(records: Path, port: int, controller_port: int) -> str:
    """One node that is broker and controller; internal topics with one replica; nothing is made by being named."""
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={records}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=6000
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.replication.factor=1
"""
