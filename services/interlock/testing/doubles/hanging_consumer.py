"""A service one of whose consumers hangs: it hears nothing more of one partition, and is told of no error.

The file beside the service's settings with the suffix `.deaf` names the partition, `topic/number`; without it nothing hangs. The client
then asks the broker for that partition no more, which is what a fetch without an answer looks like from inside. Everything else goes on.

It shows that a decision service that does not hear everything says so, by sending no heartbeat. Not run by itself: see `beset`.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from interlock.runtime.bus import Position, Record
from interlock.runtime.kafka_reader import KafkaReader


def deaf_file(settings: Path) -> Path:
    """The file that names the partition that the service with these settings does not hear."""
    return settings.with_suffix(".deaf")


def deafen(settings: Path, where: Position | None) -> None:
    """Let the service with these settings hear nothing more of a partition; None: it hears everything."""
    path = deaf_file(settings)
    if where is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(f"{where.topic}/{where.partition}", "utf-8")


def may_hang(path: Path) -> None:
    """Replace the reading of batches in this process by one that hangs as a file says."""
    setattr(KafkaReader, "batch", _hanging(KafkaReader.batch, path))  # noqa: B010 - the checker knows that classes are not for this


def _said(path: Path) -> str:
    return path.read_text("utf-8").strip() if path.is_file() else ""


def _hanging(honest: Callable[..., Awaitable[list[Record]]], path: Path) -> Callable[..., Awaitable[list[Record]]]:
    async def batch(reader: KafkaReader, *, limit: int = 500, wait_s: float = 0.2) -> list[Record]:
        said = _said(path)
        for position, where in reader._where.items():
            deaf = said == f"{position.topic}/{position.partition}"
            if deaf != (where in reader._consumer.paused()):
                (reader._consumer.pause if deaf else reader._consumer.resume)(where)
        return await honest(reader, limit=limit, wait_s=wait_s)

    return batch
