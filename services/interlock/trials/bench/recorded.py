"""The records of a bus in memory, in a file: so that a new process can start on what another one left."""

import struct
from collections.abc import Collection
from pathlib import Path

from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker
from interlock.wire.topics import TOPICS

_LENGTHS = struct.Struct("<HHqq")
_NONE = -1
_ALL = 1 << 40


def write(broker: MemoryBroker, path: Path) -> None:
    """Write every record of every topic."""
    with path.open("wb") as out:
        for topic in TOPICS:
            for partition in range(topic.partitions):
                for record in broker.fetch(Position(topic.name, partition), 0, _ALL):
                    name, key, value = topic.name.encode(), record.key or b"", record.value
                    length = _NONE if value is None else len(value)
                    out.write(_LENGTHS.pack(len(name), partition, len(key), length) + name + key + (value or b""))


def read(path: Path, broker: MemoryBroker, *, without: Collection[str] = ()) -> MemoryBroker:
    """Fill an empty broker with what was written, but for some topics."""
    with path.open("rb") as file:
        while head := file.read(_LENGTHS.size):
            name, partition, key_length, length = _LENGTHS.unpack(head)
            topic, key = file.read(name).decode(), file.read(key_length)
            value = None if length == _NONE else file.read(length)
            if topic not in without:
                broker.append(Position(topic, partition), key, value)
    return broker
