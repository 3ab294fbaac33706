"""The double hears nothing more of one partition, and of that one only, until it is told to."""

import asyncio
from types import SimpleNamespace

from interlock.runtime.bus import Position
from interlock.testing.doubles.hanging_consumer import _hanging, deaf_file, deafen

COMMANDS, AUDIT = Position("interlock.commands.v1", 0), Position("interlock.audit.v1", 0)


class Consumer:
    def __init__(self):
        self.held = set()

    def paused(self):
        return self.held

    def pause(self, where):
        self.held.add(where)

    def resume(self, where):
        self.held.discard(where)


def test_a_partition_is_asked_for_no_more_while_the_file_names_it(tmp_path):
    settings, consumer = tmp_path / "decision.toml", Consumer()
    reader = SimpleNamespace(_where={where: where for where in (COMMANDS, AUDIT)}, _consumer=consumer)

    async def honest(_reader, *, limit, wait_s):
        return [limit, wait_s]

    batch = _hanging(honest, deaf_file(settings))
    for named in (None, COMMANDS, AUDIT, None):
        deafen(settings, named)
        assert asyncio.run(batch(reader, limit=7, wait_s=0.1)) == [7, 0.1]
        assert consumer.held == ({named} if named else set())
