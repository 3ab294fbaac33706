"""A notifier that boasts: it sends nothing, and signs a receipt for every notice.

It shows that a notifier's own word is no evidence: what counts is what the governance function received.

    python -m interlock.testing.doubles.boastful_notifier SETTINGS
"""

import sys
from pathlib import Path

from interlock.notifier.__main__ import run
from interlock.notifier.webhook import Delivery, WebhookSender
from interlock.records.documents import Webhook
from interlock.vocabulary.time import Micros

ACCEPTED = 204


async def _send(
    _sender: WebhookSender, _webhook: Webhook, _message_id: str, _body: bytes, *, now: Micros, timeout_s: float
) -> Delivery:
    """Says that it was accepted."""
    del now, timeout_s
    return Delivery(ACCEPTED)


def boast() -> None:
    """Replace the sending in this process."""
    setattr(WebhookSender, "send", _send)  # noqa: B010 - the checker knows that classes are not for this


if __name__ == "__main__":
    boast()
    sys.exit(run(Path(sys.argv[1])))
