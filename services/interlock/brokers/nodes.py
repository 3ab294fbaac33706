"""The nodes of a cluster on loopback: their settings, ports and formatted folders.

Each node is broker and controller (KRaft), and a cluster has one of them, for development, or three: then every
partition is on all three, and a record counts as written once two have it. One writes for one node what it would
write for three; only the figures differ. How the nodes run is told elsewhere: as children of a process
(`interlock.brokers.real`), or on their own (`interlock.brokers.detached`). Not handled here: encryption, access
control, nodes on several machines.
"""

import base64
import json
import socket
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.brokers.free_ports import free_ports
from interlock.brokers.jars import find_jars, find_java
from interlock.vocabulary.errors import ConfigurationError, InfrastructureError

SIZES = (1, 3)
"""How many nodes a cluster may have: two of two cannot lose one, and more show nothing that three do not."""

FORMAT_S_MAX = 180.0
"""Formatting a folder takes a second or two on an idle machine; a busy one may take many times that."""

_JAVA_FLAGS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dlog4j2.level=WARN",
)
"""Little memory and a quick start: these brokers are for development and tests."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cluster.

    Attributes:
        number: Its number in the cluster, from 1 on.
        folder: Where its records, settings and log are.
        address: Where clients reach it, `127.0.0.1:port`.
    """

    number: int
    folder: Path
    address: str

    @property
    def log(self) -> Path:
        """Where its log is."""
        return self.folder / "broker.log"

    @property
    def port(self) -> int:
        """The port at which clients reach it."""
        return int(self.address.rpartition(":")[2])

    @property
    def command(self) -> list[str]:
        """What runs it, once it is prepared."""
        return [*_java(), "kafka.Kafka", str(self.folder / "server.properties")]

    @property
    def listens(self) -> bool:
        """Whether anybody listens at its port."""
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def bootstrap_of(nodes: Sequence[Node]) -> str:
    """Where clients reach a cluster: `host:port`, several separated by commas."""
    return ",".join(node.address for node in nodes)


def brokers_in(data_dir: Path) -> int | None:
    """How many nodes the cluster has whose records are in a folder; None if there is none."""
    made = data_dir / "cluster.json"
    return int(json.loads(made.read_text(encoding="utf-8"))["brokers"]) if made.is_file() else None


def prepare(data_dir: Path, *, brokers: int, port: int | None) -> tuple[Node, ...]:
    """Write the settings of each node and format its folder, if that has not been done.

    Args:
        data_dir: Where the nodes' folders are; made if it is not there.
        brokers: How many nodes the cluster has.
        port: Where the first of them shall listen, the others at the ports that follow; None takes free ones.

    Raises:
        ConfigurationError: Java or Maven is missing, a port is in use, or the folder holds a cluster of another size.
        InfrastructureError: The jars could not be fetched, or a folder not formatted.
    """
    data_dir = data_dir.resolve()
    identity = _identity(data_dir, brokers)
    free = free_ports(2 * brokers)
    ports = free[:brokers] if port is None else range(port, port + brokers)
    nodes = tuple(
        Node(number, data_dir / f"node-{number}", f"127.0.0.1:{at}") for number, at in enumerate(ports, start=1)
    )
    for node in nodes:
        if node.listens:
            mend = "Stop what listens there, or choose another port."
            raise ConfigurationError(f"Port {node.port} is in use.", mend)
    for node in nodes:
        node.folder.mkdir(parents=True, exist_ok=True)
        settings = node.folder / "server.properties"
        settings.write_text(_settings(node, free[brokers:]), encoding="utf-8")
        if not (node.folder / "records" / "meta.properties").is_file():
            _format(settings, identity)
    return nodes


def _identity(data_dir: Path, brokers: int) -> str:
    """The name that all nodes of the cluster bear; made with the cluster."""
    if brokers not in SIZES:
        raise ConfigurationError(f"A cluster of {brokers} brokers cannot be made.", "Ask for 1 or for 3.")
    held = brokers_in(data_dir)
    if held not in {None, brokers}:
        raise ConfigurationError(
            f"{data_dir} holds a cluster of {held}, and {brokers} were asked for.",
            "Leave the number out to start what is there, or name another folder.",
        )
    made = data_dir / "cluster.json"
    if held is None:
        data_dir.mkdir(parents=True, exist_ok=True)
        name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        made.write_text(json.dumps({"id": name, "brokers": brokers}), encoding="utf-8")
    return str(json.loads(made.read_text(encoding="utf-8"))["id"])


def _java() -> list[str]:
    return [find_java(), *_JAVA_FLAGS, "-cp", f"{find_jars()}/*"]


def _format(settings: Path, identity: str) -> None:
    # With the equals sign, since an identifier may begin with a hyphen.
    command = [*_java(), "kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "-c", str(settings)]
    try:
        done = subprocess.run(  # noqa: S603 - the command is made above, of paths
            command, capture_output=True, text=True, timeout=FORMAT_S_MAX, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _not_formatted(settings, f"it took more than {FORMAT_S_MAX:g} s") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["no reason was given"]
        raise _not_formatted(settings, said[-1])


def _not_formatted(settings: Path, why: str) -> InfrastructureError:
    return InfrastructureError(
        f"Kafka could not format {settings.parent}: {why}.",
        "Remove the directory if nothing in it is needed, and try again.",
    )


def _settings(node: Node, controller_ports: Sequence[int]) -> str:
    """The settings of one node that is broker and controller; nothing is made by being named.

    A broker that is silent for 6 s has lost what it led: a session shorter than that ends on a busy machine's pauses.
    """
    replicas = len(controller_ports)
    in_sync = replicas // 2 + 1
    voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(controller_ports, start=1))
    return f"""\
process.roles=broker,controller
node.id={node.number}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{node.address},CONTROLLER://127.0.0.1:{controller_ports[node.number - 1]}
advertised.listeners=PLAINTEXT://{node.address}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={node.folder / "records"}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
unclean.leader.election.enable=false
broker.session.timeout.ms=6000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=6000
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.state.log.replication.factor={replicas}
"""
