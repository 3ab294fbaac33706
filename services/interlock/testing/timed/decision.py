"""The decision service, which notes when it reads a verdict and what follows from it.

python -m interlock.testing.timed.decision SETTINGS NOTES
"""

import sys
from functools import wraps
from pathlib import Path
from typing import Any

from interlock.decision import term
from interlock.decision.__main__ import run
from interlock.decision.core.decide import Outcome, decide
from interlock.decision.core.events import Event
from interlock.decision.core.state import State
from interlock.records.health import Verdict
from interlock.reporting import shell
from interlock.runtime.kafka_bus import KafkaBus
from interlock.signing.verifier import Verified
from interlock.testing.timed.bus import TimedBus
from interlock.testing.timed.notes import NoteBook
from interlock.vocabulary.time import Micros
from interlock.wire.topics import AUDIT, ROUTES, VERDICTS

NOTED = (VERDICTS.name, AUDIT.name, ROUTES.name)


def take_notes(notes: NoteBook) -> None:
    """Put the notes between the service and its bus, and around its decisions, in this process."""

    @wraps(decide)
    def noted(state: State, event: Event, now: Micros) -> Outcome:
        if not (isinstance(event, Verified) and isinstance(event.value, Verdict)):
            return decide(state, event, now)
        notes.note("verified", event.value.key, str(state.shard))
        outcome = decide(state, event, now)
        notes.note("decided", event.value.key, str(state.shard))
        return outcome

    def timed(bootstrap: str, **settings: Any) -> TimedBus:
        return TimedBus(KafkaBus(bootstrap, **settings), notes, NOTED)

    setattr(term, "decide", noted)  # noqa: B010 - the checker knows that modules are not for this
    setattr(shell, "KafkaBus", timed)  # noqa: B010


if __name__ == "__main__":
    take_notes(NoteBook(Path(sys.argv[2])))
    sys.exit(run(Path(sys.argv[1])))
