"""One bare hop as a process: reads records, and appends a record for each, with aiokafka and nothing else.

    python -m interlock.trials.bench.reaction.relay BOOTSTRAP SOURCE NOTES [SINK BYTES]

The key of a record says how many hops it goes; who reads it after its last one notes it and lets it be.
"""

import asyncio
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from interlock.testing.timed.notes import NoteBook

READY = "ready"
ARRIVED = "arrived"


async def relay(bootstrap: str, source: str, notes: NoteBook, sink: str, size: int) -> None:
    """Read from the end of a topic on, for ever."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    try:
        where = TopicPartition(source, 0)
        consumer.assign([where])
        await consumer.seek_to_end(where)
        await consumer.position(where)
        notes.note(READY, source)
        async for record in consumer:
            hops, _, number = record.key.decode().partition("/")
            if hops == "1" or not sink:
                notes.note(ARRIVED, number)
            else:
                await producer.send_and_wait(sink, bytes(size), key=f"{int(hops) - 1}/{number}".encode())
    finally:
        await consumer.stop()
        await producer.stop()


def main(bootstrap: str, source: str, notes: str, sink: str = "", size: str = "0") -> None:
    """Relay until killed."""
    asyncio.run(relay(bootstrap, source, NoteBook(Path(notes)), sink, int(size)))


if __name__ == "__main__":
    main(*sys.argv[1:])
