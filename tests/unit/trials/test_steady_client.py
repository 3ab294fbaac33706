import pytest

from interlock.runtime.clock import SystemClock
from interlock.trials.steady_client import Fate, Reply, SteadyClient, fate_of
from interlock.vocabulary.time import Micros

TICKET = b'{"error": {"code": "interlock_human_queue"}, "ticket": {"id": "ticket-1"}}'
SAFE = b'{"error": {"code": "interlock_safe_state", "message": "suspended"}}'


@pytest.mark.parametrize(
    ("status", "body", "streamed", "fate"),
    [
        (200, b"{}", False, Fate.OK),
        (200, b"data: {}\n\ndata: [DONE]\n\n", True, Fate.OK),
        (200, b"data: {}\n\n", True, Fate.FAILED),
        (403, SAFE, False, Fate.SAFE_STATE),
        (403, b'{"error": {"code": "other"}}', False, Fate.FAILED),
        (403, b"not JSON", False, Fate.FAILED),
        (403, b"[]", False, Fate.FAILED),
        (500, SAFE, False, Fate.FAILED),
        (202, TICKET, False, Fate.TICKET),
        (202, TICKET, True, Fate.TICKET),
        (202, b"{}", False, Fate.FAILED),
        (200, TICKET, True, Fate.FAILED),
        (502, b"", True, Fate.FAILED),
    ],
)
def test_the_fate_of_a_request_is_what_came_back(status: int, body: bytes, streamed: bool, fate: Fate) -> None:
    assert fate_of(status, body, streamed=streamed) is fate


def test_replies_are_counted_by_fate_model_place_and_time() -> None:
    client = SteadyClient("http://127.0.0.1:9", "key", user="a", every_s=1, tempted_by="t", clock=SystemClock())
    client.replies += [
        Reply(Micros(1), Fate.OK, 200, "atlas", ""),
        Reply(Micros(2), Fate.FAILED, 500, "atlas", ""),
        Reply(Micros(3), Fate.OK, 200, "birch", "t"),
    ]
    assert client.count() == 3
    assert client.count(Fate.OK) == 2
    assert client.count(Fate.OK, Fate.FAILED, model="atlas") == 2
    assert client.count(Fate.OK, after=1) == 1
    assert client.count(since=Micros(2)) == 2
