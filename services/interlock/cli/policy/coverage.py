"""`interlock policy coverage`: every agent, its kind of work, its path or none."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.answer import HERE, NO, Json, counted, plain, say
from interlock.cli.connection import Standing, connected, read_standing
from interlock.cli.policy.coverage_text import text
from interlock.cli.policy.drafts import Surroundings, open_document
from interlock.policy.admissible import Proposal
from interlock.policy.authoring.coverage import Course, Covered, cover, differing
from interlock.policy.authoring.endings import Ending
from interlock.policy.authoring.problems import Severity
from interlock.policy.authoring.registry import registered
from interlock.policy.authoring.source import Source, read
from interlock.policy.book import Book, evidence_in
from interlock.records.documents import RoutePolicy
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.opening import read_trust
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import Workspace, read_document
from interlock.signing.roles import Role
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import is_name
from interlock.vocabulary.time import Micros, to_text


def coverage(
    directory: Annotated[
        Path,
        typer.Argument(metavar="[DIR]", envvar="INTERLOCK_WORKSPACE", help="The workspace; by default this folder."),
    ] = HERE,
    agents: Annotated[
        Path | None, typer.Option(help="A file that names agents, one a line, which should be covered, too.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Look at what is published, and tell where the files here differ.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell of every agent its kind of work and its path: primary, fallbacks, safe state; exit code 1 if one has none, or a route of it.

    The agents are those of the trust root's owners, those of the policies, and those that are named. A policy that is not fit to be signed
    does not count; nor does a rung that may not be used now, which is shown with the reason.
    """
    now = SystemClock().now().wall
    named = read_agents(agents) if agents else ()
    drafts = Drafts.of(directory, now)
    if live:

        async def work(bus: Bus, settings: ServiceSettings) -> Standing:
            return await read_standing(bus, settings)

        book = asyncio.run(connected(directory, work)).book
        proposals = {agent: Proposal(held.value, held.evidence) for agent, held in book.policies.items()}
        unfit, differences = {}, dict(differing(drafts.policies, _values(proposals), drafts.unfit))
    else:
        book, proposals, unfit, differences = drafts.book, drafts.proposals, drafts.unfit, {}
    found = cover([*named, *owned(book.trust)], proposals, unfit, book, now)
    document = _document(found, differences, live=live)
    say(document, text(found, differences, now), as_json=as_json)
    if not document["ok"]:
        raise typer.Exit(NO)


@dataclass(slots=True)
class Drafts:
    """The policies of a workspace as they are written.

    Attributes:
        book: The trust root and the signed registry of the workspace.
        proposals: What is fit to be signed, by agent.
        unfit: Why a draft is not, by agent, or by file where the agent cannot be told.
    """

    book: Book
    proposals: dict[str, Proposal] = field(default_factory=dict)
    unfit: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path, now: Micros) -> "Drafts":
        """Read, compile and check every policy of a workspace.

        Raises:
            ConfigurationError: It is no workspace, or its trust root cannot be read.
        """
        around = Surroundings.of(directory, None, None, None)
        trust, _ = read_trust(around.root)
        found = cls(registered(trust, around.sealed_files().registrations).book)
        for file in sorted(Workspace.around(directory).policies.glob("*.yaml")):
            found._add(file, around, now)
        return found

    def _add(self, file: Path, around: Surroundings, now: Micros) -> None:
        try:
            opened = open_document(file, around, now)
        except ConfigurationError as error:
            self.unfit[str(file)] = error.message.rstrip(".")
            return
        policy = next((record for record in opened.records.values() if isinstance(record, RoutePolicy)), None)
        if policy is not None:
            self.proposals[policy.agent] = Proposal(policy, evidence_in(self.book.trust, policy))
            return
        errors = sum(problem.severity is Severity.ERROR for problem in opened.problems)
        if errors:
            self.unfit[_agent_of(file)] = f"{file.name} is not fit to be signed ({counted(errors, 'error')})"

    @property
    def policies(self) -> Mapping[str, RoutePolicy]:
        """What is fit to be signed, by agent."""
        return _values(self.proposals)


def _values(proposals: Mapping[str, Proposal]) -> dict[str, RoutePolicy]:
    return {agent: proposal.policy for agent, proposal in proposals.items()}


def _agent_of(file: Path) -> str:
    """Whom a policy that cannot be compiled is for; the file's name where it does not tell."""
    source = read(read_document(file), str(file))
    agent = source.data.get("agent") if isinstance(source, Source) else None
    return agent if isinstance(agent, str) and is_name(agent) else file.name


def owned(trust: TrustRoot) -> set[str]:
    """Every agent that somebody of the trust root owns."""
    return {agent for grant in trust.grants_of(Role.AGENT_OWNER) for agent in grant.agents}


def read_agents(file: Path) -> tuple[str, ...]:
    """Names of agents, one a line; empty lines and lines that begin with # are not names.

    Raises:
        ConfigurationError: The file cannot be read, or a line is no name.
    """
    found = []
    for number, line in enumerate(read_document(file).splitlines(), start=1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        if not is_name(name):
            raise ConfigurationError(
                f"{file}:{number}: {plain(name[:80])!r} cannot name an agent.",
                "Write one name a line, of lower-case letters, digits and . _ @ -.",
            )
        found.append(name)
    return tuple(found)


def _document(found: Iterable[Covered], differences: Mapping[str, str], *, live: bool) -> dict[str, Any]:
    everyone = list(found)
    lacking = [covered.agent for covered in everyone if covered.lacking]
    ends = [(covered.first_end, covered.agent) for covered in everyone if covered.first_end]
    first = min(ends, key=lambda end: end[0].at, default=None)
    return {
        "ok": not lacking,
        "live": live,
        "agents": [_agent_document(covered, differences.get(covered.agent)) for covered in everyone],
        "counts": {"agents": len(everyone), "covered": len(everyone) - len(lacking), "without": len(lacking)},
        "without": lacking,
        "first_to_end": {"agent": first[1], **_end_document(first[0])} if first else None,
        "differences": dict(differences),
    }


def _agent_document(covered: Covered, difference: str | None) -> dict[str, Any]:
    policy = covered.policy
    return {
        "agent": covered.agent,
        "workflow": policy.workflow.value if policy else None,
        "version": policy.version if policy else None,
        "team": policy.team if policy else None,
        "routes": [_course_document(course) for course in covered.courses],
        "departures": [
            {"demand": departure.demand, "because": departure.because}
            for departure in (policy.departures if policy else ())
        ],
        "first_to_end": _end_document(covered.first_end) if covered.first_end else None,
        "lacking": covered.lacking or None,
        "differs": difference,
    }


def _course_document(course: Course) -> dict[str, Any]:
    return {
        "route": course.route.key,
        "ladder": [{"model": step.model, "against": step.against} for step in course.steps],
        "safe_state": course.safe_state.value,
    }


def _end_document(ending: Ending) -> dict[str, str]:
    return {"what": ending.what, "at": to_text(ending.at)}
