"""Which records are worth a signature check: the rest is let go before it costs one.

What is let go here, the decision would let go as well; so it is no matter that nobody has vouched for it yet. Of what routers say,
nearly all is that they obeyed.
"""

from interlock.records.change import AckKind, Acknowledgement
from interlock.records.codec import decode
from interlock.records.sealing import decode_envelope
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import ACKS, VERDICTS

VERDICT_AGE_US_MAX = 60 * SECOND
"""A verdict that has stood on the topic for longer has long lapsed."""


def worth_reading(topic: str, value: bytes | None, written_at: Micros, now: Micros) -> bool:
    """Whether a record of an input topic may matter to the decision.

    Args:
        topic: Where it stands.
        value: Its bytes.
        written_at: When, as its writer or the broker says.
        now: The time.
    """
    if topic == VERDICTS.name:
        return written_at >= now - VERDICT_AGE_US_MAX
    return topic != ACKS.name or not _obeys(value)


def _obeys(value: bytes | None) -> bool:
    """Whether bytes look like an ACK or a hello. What cannot be read does not: that is a finding."""
    envelope = decode_envelope(value)
    said = envelope if isinstance(envelope, Reason) else decode(envelope.payload, Acknowledgement)
    return isinstance(said, Acknowledgement) and said.kind is not AckKind.NACK
