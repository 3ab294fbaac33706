"""Where a record goes, and which may go at all: the rules that both adapters of the bus share. Pure.

A topic of the table has the partitions that the table says, even where the broker made more of them: a writer
that trusted the broker's count would put records where no reader looks.
"""

from aiokafka.partitioner import murmur2

from interlock.vocabulary.errors import ConfigurationError, InvariantError
from interlock.vocabulary.limits import RECORD_BYTES_MAX
from interlock.wire.topics import BY_NAME


def partitions_in_use(topic: str, found: int) -> int:
    """How many of a topic's partitions are used.

    Args:
        topic: The topic's name.
        found: How many the broker has; 0 if it has no such topic.

    Raises:
        ConfigurationError: The topic is missing, or has fewer partitions than the table says.
    """
    spec = BY_NAME.get(topic)
    needed = spec.partitions if spec else 1
    if found == 0:
        raise ConfigurationError(
            f"The broker has no topic {topic!r}.", "Create the topics with `interlock kafka topics`."
        )
    if found < needed:
        raise ConfigurationError(
            f"The topic {topic!r} has {found} partitions on the broker and {needed} in the table of topics.",
            "Create it again; `interlock kafka topics --check` shows every difference.",
        )
    return spec.partitions if spec else found


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as Kafka's default partitioner has it: other clients' records join ours."""
    return int(murmur2(key) & 0x7FFF_FFFF) % partitions


def place(topic: str, key: str, value: bytes | None, *, partition: int | None, partitions: int) -> int:
    """The partition that a record goes to.

    Args:
        topic: The topic's name.
        key: The record's key.
        value: The record; None is a tombstone.
        partition: What the writer asks for; None leaves it to the key.
        partitions: How many the topic has.

    Raises:
        InvariantError: The record can go nowhere: too large, without a key, or for a partition that is not.
    """
    size = len(key.encode()) + len(value or b"")
    if size > RECORD_BYTES_MAX - _OVERHEAD_BYTES:
        raise InvariantError(
            f"A record of {size} bytes for {topic!r} is larger than a topic takes ({RECORD_BYTES_MAX}).",
            "Report it as a bug: its writer should have split it.",
        )
    if not key:
        raise InvariantError(f"A record for {topic!r} has no key.", "Report it as a bug of its writer.")
    where = partition_of(key.encode(), partitions) if partition is None else partition
    if not 0 <= where < partitions:
        raise InvariantError(
            f"A record is for partition {where} of {topic!r}, which has {partitions}.",
            "Compare the number of shards in the settings with the table of topics.",
        )
    return where


_OVERHEAD_BYTES = 256
"""What Kafka adds to a lone record: 61 bytes of batch header, at most 51 of lengths, time and offset, 68 of a
trace; and some room."""
