"""The people who are told: a webhook receiver and a last channel, which write down what they accepted."""

import asyncio
import json
from collections import Counter

from interlock.notifier.webhook import Delivery
from interlock.records.documents import Webhook

_TAKES_S = 0.01


class Receiver:
    """Accepts notices, but those of agents in `refuses`, and whatever comes on the last channel.

    Attributes:
        refuses: The agents whose notices are answered 503 for now.
        accepted: How often each notice was accepted, by its idempotency key.
        heard: How often each message came on the last channel, by its key.
    """

    def __init__(self) -> None:
        self.refuses: set[str] = set()
        self.accepted: Counter[str] = Counter()
        self.heard: Counter[str] = Counter()
        self.bodies: dict[str, set[bytes]] = {}

    async def notice(self, _: Webhook, message_id: str, body: bytes) -> Delivery:
        """Take one attempt to tell of a change."""
        await asyncio.sleep(_TAKES_S)
        self.bodies.setdefault(message_id, set()).add(body)
        if json.loads(body)["data"]["route"].partition("/")[0] in self.refuses:
            return Delivery(503, "it answered 503")
        self.accepted[message_id] += 1
        return Delivery(204)

    async def last(self, message_id: str) -> str:
        """Take one message on the last channel."""
        await asyncio.sleep(_TAKES_S)
        self.heard[message_id] += 1
        return ""
