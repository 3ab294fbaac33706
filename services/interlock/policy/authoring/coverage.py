"""Which agents have a path, and which: every agent that anybody speaks of, what it falls back to, and what of that ends first. Pure.

An agent has a path if a policy names it and each of its routes has a rung that is admissible now. What is denied, withdrawn or ended is
shown on its ladder with the reason, so that a path that is shorter than it looks is seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.policy.admissible import Proposal, examine_rung
from interlock.policy.authoring.endings import Ending, first_end
from interlock.policy.book import Book
from interlock.records.documents import RoutePolicy
from interlock.records.rules import RouteRule, SafeState
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a path; `against` is why it may not be used now, None if it may."""

    model: str
    against: Reason | None


@dataclass(frozen=True, slots=True)
class Course:
    """Where one route goes: its rungs in order, and where it ends."""

    route: RouteId
    steps: tuple[Step, ...]
    safe_state: SafeState

    @property
    def open(self) -> bool:
        """Whether a rung may be used now."""
        return any(step.against is None for step in self.steps)


@dataclass(frozen=True, slots=True)
class Covered:
    """One agent.

    Attributes:
        agent: Its name.
        policy: Its policy; None if it has none that counts.
        courses: Its routes.
        first_end: What of its policy ends first.
        lacking: Why it has no path; empty if it has one.
    """

    agent: str
    policy: RoutePolicy | None
    courses: tuple[Course, ...]
    first_end: Ending | None
    lacking: str


def cover(
    agents: Iterable[str], proposals: Mapping[str, Proposal], unfit: Mapping[str, str], book: Book, now: Micros
) -> tuple[Covered, ...]:
    """What every agent has, by name.

    Args:
        agents: Whoever should be covered; the agents of the policies are added.
        proposals: The policies, by agent.
        unfit: Why an agent's draft does not count, by agent.
        book: The trust root, the registry and the denials.
        now: The time.
    """
    everyone = sorted({*agents, *proposals, *unfit})
    return tuple(_covered(agent, proposals.get(agent), unfit.get(agent, ""), book, now) for agent in everyone)


def _covered(agent: str, proposal: Proposal | None, unfit: str, book: Book, now: Micros) -> Covered:
    if proposal is None:
        return Covered(agent, None, (), None, unfit or "no policy names it")
    courses = tuple(_course(agent, book, proposal, rule, now) for rule in proposal.policy.routes)
    return Covered(agent, proposal.policy, courses, first_end(proposal, book.trust), _lacking(courses))


def _lacking(courses: Sequence[Course]) -> str:
    closed = [f"{course.route.slot}/{course.route.scope}" for course in courses if not course.open]
    if len(closed) == len(courses):
        return "none of its rungs may be used now"
    return f"no rung of {' and '.join(closed)} may be used now" if closed else ""


def _course(agent: str, book: Book, proposal: Proposal, rule: RouteRule, now: Micros) -> Course:
    def against(place: int) -> Reason | None:
        return next((block.reason for block in examine_rung(book, proposal, rule, place, now) if block.reason), None)

    steps = tuple(Step(rung.model.name, against(place)) for place, rung in enumerate(rule.ladder))
    return Course(RouteId(agent, rule.slot, rule.scope), steps, rule.safe_state)


def differing(
    here: Mapping[str, RoutePolicy], published: Mapping[str, RoutePolicy], unfit: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Where the policies of a folder and those on the topic are not the same: the agent, and how; the time of compiling apart."""
    for agent in sorted({*here, *published, *unfit}):
        told = _difference(here.get(agent), published.get(agent), unfit.get(agent, ""))
        if told:
            yield agent, told


def _difference(here: RoutePolicy | None, there: RoutePolicy | None, unfit: str) -> str:
    if here is None and there is None:
        return f"nothing is published, and {unfit}"
    if there is None:
        return f"version {here.version} is here and is not published" if here else ""
    if here is None:
        return f"version {there.version} is published, and {unfit or 'there is no policy for it here'}"
    if replace(here, issued_at=there.issued_at) == there:
        return ""
    if here.version > there.version:
        return f"version {here.version} is here and is not published, {there.version} is"
    if here.version < there.version:
        return f"version {here.version} is here and is older than the published {there.version}"
    return f"version {here.version} is here with other content than the published one"
