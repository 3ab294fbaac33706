"""The promise, for any order of changes, receipts, looks, restarts and steps of the clock.

A world of two topics, a notifier that tells when it likes, and a watch that looks when it likes, is restarted when somebody likes, and does
in a look what `service` does: notices to their end, log to its end, judge, record, forget, commit.
"""

from dataclasses import dataclass, field
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from interlock.records.change import RoutingChange
from interlock.records.sealing import open_sealed
from interlock.records.telling import Breach, Notice, NoticeKind
from interlock.runtime.bus import Position
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.virtual_time import START
from interlock.vocabulary.time import NEVER, SECOND, Micros, Reading, seconds
from interlock.watch.bookmark import Bookmark
from interlock.watch.consequences import breach_of
from interlock.watch.core import UNDER_WAY_MAX, Standing, Watchlist

DEPLOYMENT = Deployment(now=START)
DEADLINE = seconds(300)
LOG, NOTICES = Position("log", 0), Position("notices", 0)
Word = Notice | Breach


@cache
def change(number: int, issued_at: Micros) -> Verified[RoutingChange]:
    sealed = DEPLOYMENT.seal(DEPLOYMENT.change(version=number + 1, issued_at=issued_at), "decision-1")
    opened = open_sealed(sealed, DEPLOYMENT.root, RoutingChange)
    assert isinstance(opened, Verified)
    return opened


@dataclass
class Watch:
    """One run of the watch: its memory, and how far it has read."""

    log_at: int
    notices_at: int
    watchlist: Watchlist = field(default_factory=lambda: Watchlist(DEADLINE))
    bookmark: Bookmark = field(default_factory=Bookmark)
    terms: dict[bytes, int] = field(default_factory=dict)
    term: int = 0


@dataclass
class World:
    """True time `now`; what is on the topics; the watch's civil clock is wrong by `skew`."""

    now: Micros = NEVER
    skew: Micros = NEVER
    log: list[Verified[RoutingChange] | None] = field(default_factory=lambda: [None])
    notices: list[Word] = field(default_factory=list)
    accepted: dict[bytes, Micros] = field(default_factory=dict)
    recorded: dict[bytes, list[Micros]] = field(default_factory=dict)
    committed: dict[Position, int] = field(default_factory=lambda: {LOG: 0, NOTICES: 0})
    watch: Watch = field(default_factory=lambda: Watch(0, 0))

    @property
    def reading(self) -> Reading:
        return Reading(Micros(START + self.now + self.skew), Micros(seconds(10_000) + self.now))

    def issue(self) -> None:
        self.log.append(change(len(self.log), Micros(START + self.now)))

    def claim(self) -> None:
        self.log.append(None)

    def accept(self, which: int) -> None:
        """The receiver takes the notice of one change, and the notifier writes that down."""
        changes = [each for each in self.log if each is not None]
        if changes:
            told = changes[which % len(changes)]
            self.accepted.setdefault(told.event_id, self.now)
            moment = Micros(START + self.now)
            fields = (told.value.id, told.event_id, "support", "webhook:x", 1, NoticeKind.ACCEPTED, 204, "")
            self.notices.append(Notice(*fields, told.value.issued_at, moment))

    def restart(self) -> None:
        self.watch = Watch(self.committed[LOG], self.committed[NOTICES])

    def look(self, *, killed_before: str = "") -> None:
        """One look; may be cut short."""
        watch, as_of = self.watch, self.reading
        notices_end = len(self.notices)
        for word in self.notices[watch.notices_at :]:
            watch.watchlist.hear(word, 1)
        watch.notices_at = notices_end
        log_end = len(self.log)
        for offset, found in enumerate(self.log[watch.log_at :], start=watch.log_at):
            if found is None:
                watch.term = offset
            else:
                watch.terms[found.event_id] = watch.term
                watch.watchlist.take(found, self.reading)
        watch.log_at = log_end
        for owed, standing in watch.watchlist.judged(as_of):
            if standing is Standing.OVERDUE:
                if killed_before == "record":
                    self.restart()
                    return
                said = watch.watchlist.said(owed)
                self.notices.append(breach_of(owed, said, None, by="watch-1", now=self.reading.wall))
                self.recorded.setdefault(owed.event_id, []).append(self.now)
                if killed_before == "settle":
                    self.restart()
                    return
            watch.watchlist.settle(owed.event_id)
            watch.terms.pop(owed.event_id)
        watch.watchlist.forget(as_of)
        if killed_before == "commit":
            self.restart()
            return
        done = {LOG: min(watch.terms.values(), default=watch.term)}
        watch.bookmark.move({NOTICES: notices_end}, {LOG: log_end}, done)
        self.committed |= done | watch.bookmark.done

    def pass_time(self, s: int) -> None:
        self.now = Micros(self.now + s * SECOND)


def told_in_time(world: World, each: Verified[RoutingChange]) -> bool:
    accepted = world.accepted.get(each.event_id)
    return accepted is not None and START + accepted <= each.value.issued_at + DEADLINE


EVENTS = st.lists(
    st.one_of(
        st.just(("issue",)),
        st.just(("issue",)),
        st.just(("claim",)),
        st.tuples(st.just("accept"), st.integers(0, 5)),
        st.just(("look",)),
        st.just(("look",)),
        st.just(("restart",)),
        st.tuples(st.just("killed"), st.sampled_from(["record", "settle", "commit"])),
        st.tuples(st.just("time"), st.sampled_from([1, 5, 60, 150, 299, 300, 301, 4_000])),
    ),
    max_size=40,
)


def happen(world: World, *event: str | int) -> None:
    match event:
        case ("issue",):
            world.issue()
        case ("claim",):
            world.claim()
        case ("accept", int(which)):
            world.accept(which)
        case ("look",):
            world.look()
        case ("restart",):
            world.restart()
        case ("killed", str(before)):
            world.look(killed_before=before)
        case ("time", int(s)):
            world.pass_time(s)


@given(EVENTS)
def test_each_change_is_told_in_time_or_on_record_as_exactly_one_breach(events: list[tuple[str | int, ...]]):
    world = World()
    for event in events:
        happen(world, *event)
    world.pass_time(301)
    world.look()
    for each in world.log:
        if each is not None:
            assert len(world.recorded.get(each.event_id, [])) == (0 if told_in_time(world, each) else 1)


@given(EVENTS, st.integers(1, 5))
def test_the_breach_is_on_record_within_the_deadline_and_a_period_whoever_looks_that_often(
    events: list[tuple[str | int, ...]], period: int
):
    world = World()
    for event in events:
        if event[0] == "time":
            for _ in range(0, min(int(event[1]), 400), period):
                world.pass_time(period)
                world.look()
        else:
            happen(world, *event)
    for each in world.log:
        for recorded in world.recorded.get(each.event_id, []) if each is not None else []:
            issued = each.value.issued_at - START
            assert issued + DEADLINE < recorded <= issued + DEADLINE + seconds(period)


@given(EVENTS, st.data())
def test_no_step_of_the_clock_puts_a_breach_off_or_accuses_early_while_the_watch_runs(
    events: list[tuple[str | int, ...]], data: st.DataObject
):
    world = World()
    world.look()
    for event in events:
        world.skew = Micros(data.draw(st.sampled_from([0, 0, -4_000, 4_000])) * SECOND)
        if event[0] == "time":
            for _ in range(min(int(event[1]), 400)):
                world.pass_time(1)
                world.look()
        elif event[0] not in {"restart", "killed"}:
            happen(world, *event)
    for each in world.log:
        for recorded in world.recorded.get(each.event_id, []) if each is not None else []:
            after = recorded - (each.value.issued_at - START)
            assert DEADLINE - UNDER_WAY_MAX <= after <= DEADLINE + seconds(2)
            assert not told_in_time(world, each) or world.accepted[each.event_id] > recorded - UNDER_WAY_MAX


@given(EVENTS)
def test_what_is_remembered_is_what_is_owed(events: list[tuple[str | int, ...]]):
    world = World()
    for event in events:
        happen(world, *event)
    world.pass_time(301)
    world.look()
    world.look()
    assert (len(world.watch.watchlist), world.watch.watchlist.words) == (0, 0)
