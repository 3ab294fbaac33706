"""The gateway, which notes when it reads an order, and when its resolver answers by it.

What counts as enforced is asked of the real resolver, by a callback of the event loop: a request that came in meanwhile would be
answered at the same moment, and in the same way.

    python -m interlock.testing.timed.gateway SETTINGS NOTES
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from interlock.reporting import shell
from interlock.router import subscriber, subscribing
from interlock.router.answers import Serve
from interlock.router.core.accept import Acceptance, accept
from interlock.router.core.marks import Marks
from interlock.router.core.state import RouterState
from interlock.router.gateway import __main__ as gateway
from interlock.router.marks_file import MarksFile
from interlock.router.subscriber import Subscriber
from interlock.runtime.kafka_bus import KafkaBus
from interlock.testing.timed.bus import TimedBus
from interlock.testing.timed.notes import NoteBook
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Reading
from interlock.wire.topics import ROUTES

_ORDER = "order/"


class _TimedSubscriber(Subscriber):
    """Notes of each route that was ordered when its requests are answered otherwise."""

    notes: NoteBook

    def __init__(self, *, marks: MarksFile, **others: Any) -> None:
        super().__init__(marks=_TimedMarks(marks, self), **others)  # type: ignore[arg-type]  # it saves, and no more is asked

    def look(self, route: RouteId, event_id: str) -> None:
        """Note what a request of the route is answered now; while another change is the current one, look again."""
        answer = self.resolve(*route, None)
        held = self.state.held.get(route)
        if held is None or held.change.event_id.hex() != event_id:
            asyncio.get_running_loop().call_soon(self.look, route, event_id)
            return
        self.notes.note("enforced", route.key, answer.model.name if isinstance(answer, Serve) else "")


class _TimedMarks:
    """Notes when the marks of an order are on disk."""

    def __init__(self, marks: MarksFile, watched: _TimedSubscriber) -> None:
        self._marks = marks
        self._watched = watched

    def save(self, marks: Marks) -> bool:
        """Write the marks, note it, and look at the resolver as soon as anybody else could."""
        saved = self._marks.save(marks)
        for key, value in marks.unsaved if saved else ():
            route = RouteId.parse(key.removeprefix(_ORDER)) if key.startswith(_ORDER) else None
            if route is not None:
                self._watched.notes.note("on disk", route.key)
                asyncio.get_running_loop().call_soon(self._watched.look, route, value.partition(" ")[2])
        return saved


def take_notes(notes: NoteBook) -> None:
    """Put the notes between the gateway and its bus, around its judgement and at its marks, in this process."""

    def noted(state: RouterState, sealed: bytes | None, shard: int, now: Reading) -> Acceptance:
        answer = accept(state, sealed, shard, now)
        notes.note("judged", answer.change.value.route.key if answer.change else "", answer.answer)
        return answer

    def timed(bootstrap: str, **settings: Any) -> TimedBus:
        return TimedBus(KafkaBus(bootstrap, **settings), notes, (ROUTES.name,))

    _TimedSubscriber.notes = notes
    setattr(subscriber, "accept", noted)  # noqa: B010 - the checker knows that modules are not for this
    setattr(shell, "KafkaBus", timed)  # noqa: B010
    setattr(subscribing, "Subscriber", _TimedSubscriber)  # noqa: B010


if __name__ == "__main__":
    take_notes(NoteBook(Path(sys.argv[2])))
    sys.exit(gateway.run(Path(sys.argv[1])))
