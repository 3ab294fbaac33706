import asyncio

from interlock.decision.core.projection import TURN, project
from interlock.decision.turns import in_turns
from interlock.records.state import StateMark, StateRecord
from interlock.testing.builders import Deployment
from interlock.testing.chronicle import OWNER, Chronicle
from interlock.vocabulary.time import Micros


async def test_long_work_lets_others_work_wherever_it_yields():
    turns = []

    def work():
        for number in range(3):
            turns.append(number)
            yield
        return "done"

    async def others():
        while True:
            turns.append("other")
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    assert await in_turns(work()) == "done"
    task.cancel()
    assert turns == [0, "other", 1, "other", 2, "other"]


def test_a_large_state_is_read_in_turns():
    chronicle = Chronicle(Deployment())
    said = {f"history/{number}": StateRecord(OWNER, 0, f"history/{number}", b"", 9, 0) for number in range(3 * TURN)}
    mark = StateMark(OWNER, 0, 1, 0, 1, Micros(0), b"", ())
    values = {key: chronicle.deployment.seal(record, OWNER) for key, record in {**said, "shard/0": mark}.items()}
    assert sum(1 for _ in project(values, chronicle.start)) >= 6
