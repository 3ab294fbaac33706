"""One owner's hold on its shard, from its claim to the first doubt (DESIGN 5, rule 11).

The claim's offset is the *term*. From there on the owner's appends must be acknowledged at offsets that follow each other without
a gap: so it knows that nobody else wrote in between, and that its steps count. Rules:

1. A term begins only if the log, read up to the claim, says that the claim is the last one.
2. Nothing is published while an append is under way: a change that is not in the log does not exist.
3. An acknowledgement at another offset than the next, a record in the log that is not its own, or a shard that was taken away ends
   the term. A term that has ended appends, publishes and beats no more.
4. A heartbeat is sent only if everything that was said was heard.

Not handled here: how a record is appended, read or published (`decision.term`), and which records count (`records.log`).

    tenure = Tenure.begin(claim, log)
    tenure = tenure.append(held=True)
    tenure = tenure.acknowledged(offset)
    if tenure.may_publish: ...
"""

from __future__ import annotations  # a method that gives its own class

from dataclasses import dataclass, replace

from interlock.records.log import ShardLog
from interlock.vocabulary.reasons import Reason


@dataclass(frozen=True, slots=True)
class Tenure:
    """Where one term stands.

    Attributes:
        term: The offset of the claim.
        sequence: Of the last step that was appended, or is being appended.
        next_offset: Where the next append must land.
        beats: How many heartbeats were sent under the term.
        pending: Whether an append is under way: what became of it is not known yet.
        doubt: Why the term has ended; None while it lasts.
    """

    term: int
    sequence: int
    next_offset: int
    beats: int = 0
    pending: bool = False
    doubt: Reason | None = None

    @classmethod
    def begin(cls, claim: int, log: ShardLog) -> Tenure:
        """The term of a claim.

        Args:
            claim: The claim's offset.
            log: The place reached in the log, read from its beginning up to the claim.
        """
        tenure = cls(claim, log.sequence or 0, claim + 1)
        if log.term != claim:
            return tenure.end(Reason.LOG_GAP)
        return tenure

    @property
    def may_publish(self) -> bool:
        """Whether what was decided may be shown: everything that was appended was acknowledged, without a gap."""
        return self.doubt is None and not self.pending

    def may_beat(self, *, heard_to_end: bool) -> bool:
        """Whether a heartbeat may be sent: what it stands by is in the log, and nothing that was said is unheard."""
        return self.may_publish and heard_to_end

    def end(self, doubt: Reason) -> Tenure:
        """The term after a doubt."""
        return replace(self, doubt=doubt)

    def append(self, *, held: bool) -> Tenure:
        """The term while its next step is being appended.

        Args:
            held: Whether the shard is still given to this process.
        """
        if not held:
            return self.end(Reason.LOG_GAP)
        if not self.may_publish:
            return self.end(Reason.LOG_GAP)
        return replace(self, sequence=self.sequence + 1, pending=True)

    def acknowledged(self, offset: int) -> Tenure:
        """The term after its append was acknowledged at an offset."""
        if offset != self.next_offset:
            return self.end(Reason.LOG_GAP)
        return replace(self, next_offset=offset + 1, pending=False)

    def saw(self, offset: int) -> Tenure:
        """The term after a record of the log was read. Its own are known: they stand before the next offset."""
        if offset >= self.next_offset:
            return self.end(Reason.LOG_GAP)
        return self

    def beat(self) -> Tenure:
        """The term with one heartbeat more."""
        return replace(self, beats=self.beats + 1)
