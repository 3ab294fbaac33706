"""Real Kafka (KRaft) on loopback, from the Apache jars: one node, or three of which any one may be lost.

    kafka = KafkaCluster.start(data_dir, brokers=3)
    try:
        bus = KafkaBus(kafka.bootstrap)
        kafka.kill(kafka.leader("interlock.audit.v1", 0))
    finally:
        kafka.stop()

It dies with the process that started it, however that ends: a watcher beside each node holds a pipe from here, and
ends the node when the pipe closes. Brokers that outlive their starter are made by `interlock.brokers.detached`.
Data in `data_dir` is used again by the next start. Not handled here: encryption, access control, topics.
"""

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from interlock.brokers.nodes import Node, bootstrap_of, prepare
from interlock.brokers.waiting import wait_for
from interlock.vocabulary.errors import InfrastructureError

START_S_MAX = 180.0
"""A broker answers 2 to 3 s after its start on an idle machine. With twenty processes waiting for each core it took more than 60."""

STOP_S_MAX = 15.0
"""A broker that is asked to stop needs about a second; then it is killed."""

_ASK_S = 5.0

_WATCHED = 'exec 3<&0; { cat <&3 >/dev/null; kill -9 $$; } & exec 3<&-; exec "$@" </dev/null'
"""Runs a command under its own process id, and beside it a watcher that ends it once standard input is closed.

Not gently: a broker that stops in order asks its cluster first, and would wait long for one that is going, too.
"""


class KafkaCluster:
    """Brokers that run as children of this process. Made by `start`.

    Attributes:
        nodes: Its nodes; they are named by their numbers, from 1 on.
        bootstrap: Where they listen, `127.0.0.1:port`, separated by commas.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = tuple(nodes)
        self.bootstrap = bootstrap_of(nodes)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @classmethod
    def start(cls, data_dir: Path, *, brokers: int = 1, port: int | None = None) -> "KafkaCluster":
        """Start the brokers and wait until they answer.

        Args:
            data_dir: Where records, settings and logs are; made if it is not there.
            brokers: How many: 1 or 3.
            port: Where the first shall listen, the others at the ports that follow; None takes free ones.

        Raises:
            ConfigurationError: Java or Maven is missing, a port is in use, or the folder holds a cluster of another size.
            InfrastructureError: One ended or did not answer in time; the end of its log is in the message.
        """
        cluster = cls(prepare(data_dir, brokers=brokers, port=port))
        try:
            cluster.restart(*(node.number for node in cluster.nodes))
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @property
    def alive(self) -> tuple[int, ...]:
        """The nodes that run, those that are paused included."""
        return tuple(number for number, process in self._processes.items() if process.poll() is None)

    def pid(self, node: int) -> int:
        """The process of a node."""
        return self._processes[node].pid

    def kill(self, *nodes: int) -> None:
        """End nodes at once, as a power cut would (SIGKILL)."""
        for node in nodes:
            end_group(self.pid(node), signal.SIGKILL)  # the watcher too
        for node in nodes:
            _over(self._processes[node])

    def restart(self, *nodes: int) -> None:
        """Start nodes that do not run, all at once, on the records they had, and wait until they are part of the cluster.

        Two of three make a cluster, one of three does not: start those together that need each other.

        Raises:
            InfrastructureError: One ended or did not answer in time; the end of its log is in the message.
        """
        for node in self._named(nodes):
            with node.log.open("ab") as log:
                command = ["sh", "-c", _WATCHED, "kafka", *node.command]
                self._processes[node.number] = spawn(command, log, stdin=subprocess.PIPE)
        started = {node: self._processes[node.number] for node in self._named(nodes)}
        wait_until_up(started, brokers=len(self.alive))

    def pause(self, node: int) -> None:
        """Stop a node's clock (SIGSTOP): it holds its connections and says nothing."""
        os.kill(self.pid(node), signal.SIGSTOP)

    def resume(self, node: int) -> None:
        """Let a paused node go on."""
        os.kill(self.pid(node), signal.SIGCONT)

    def leader(self, topic: str, partition: int = 0) -> int | None:
        """The node that leads a partition, as the cluster has it now; None if nobody does.

        Raises:
            InfrastructureError: No node that runs can say.
        """
        found = self._partitions(topic)[partition].leader
        return found if found > 0 else None

    def in_sync(self) -> bool:
        """Whether every node has every record of every partition: only then may the next one be lost.

        Raises:
            InfrastructureError: No node that runs can say.
        """
        every = {node.number for node in self.nodes}
        partitions = [each for topic in self._topics().values() for each in topic.partitions.values()]
        here = len(self.alive) == len(every)  # without a majority of nodes, what is told is what was
        return here and all(each.leader in every and every <= set(each.isrs) for each in partitions)

    def stop(self) -> None:
        """Stop them, gently at first. Returns in bounded time, and may be called twice."""
        stopping = [process for process in self._processes.values() if process.stdin and not process.stdin.closed]
        for process in stopping:
            end_group(process.pid, signal.SIGCONT)  # a paused one hears nothing else
            end_group(process.pid, signal.SIGTERM)  # the watcher too
        wait_for(lambda: all(process.poll() is not None for process in stopping), STOP_S_MAX)
        for process in stopping:
            end_group(process.pid, signal.SIGKILL)
            _over(process)

    def _named(self, numbers: Iterable[int]) -> list[Node]:
        return [self.nodes[number - 1] for number in numbers]

    def _partitions(self, topic: str) -> Mapping[int, Any]:
        """A topic's partitions by number."""
        found = self._topics().get(topic)
        if found is None:
            raise InfrastructureError(f"The cluster has no topic {topic!r}.", "Make it: `interlock kafka topics`.")
        partitions: Mapping[int, Any] = found.partitions
        return partitions

    def _topics(self) -> Mapping[str, Any]:
        """Every topic, as a node that runs tells."""
        try:
            return _admin(bootstrap_of(self._named(self.alive))).list_topics(timeout=_ASK_S).topics
        except KafkaException as error:
            raise InfrastructureError(
                f"No node of {self.bootstrap} says what its topics are: {error}.",
                f"See which run; their logs are in {self.nodes[0].folder.parent}.",
            ) from error


def spawn(
    command: Sequence[str], log: IO[bytes], *, stdin: int = subprocess.DEVNULL, keep: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that a Ctrl-C meant for us does not stop it before its clients."""
    return subprocess.Popen(  # noqa: S603 - the command is made here, of paths and numbers
        command, stdin=stdin, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, pass_fds=keep
    )


def wait_until_up(started: Mapping[Node, subprocess.Popen[bytes]], *, brokers: int) -> None:
    """Wait until each of these nodes answers a question of the protocol, which is later than its port opens.

    Args:
        started: The nodes, and the process of each.
        brokers: How many nodes it must know of by then.

    Raises:
        InfrastructureError: One ended, or did not answer within `START_S_MAX`.
    """
    waiting = dict(started)

    def settled() -> bool:
        for node in [node for node in waiting if _answers(node, brokers)]:
            del waiting[node]
        return not waiting or any(process.poll() is not None for process in waiting.values())

    wait_for(settled, START_S_MAX)
    for node, process in waiting.items():
        if process.returncode is not None:
            raise _not_up(node, f"it ended with exit code {process.returncode}")
    for node in waiting:
        raise _not_up(node, f"it did not answer within {START_S_MAX:g} s")


def end_group(pid: int, number: signal.Signals) -> None:
    """Signal a process that leads its session, and what it started; nothing happens if it is gone."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _over(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a process that was killed."""
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _answers(node: Node, brokers: int) -> bool:
    if not node.listens:
        return False
    try:
        return len(_admin(node.address).list_topics(timeout=_ASK_S).brokers) >= brokers
    except KafkaException:
        return False


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})


def _not_up(node: Node, why: str) -> InfrastructureError:
    lines = node.log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = "\n".join(["", *[line for line in lines if not line.startswith("\t")][-5:]])  # without Java's stack
    return InfrastructureError(
        f"Node {node.number} of Kafka at {node.address} did not start: {why}.{said}\n", f"Its whole log is {node.log}."
    )
