"""`interlock audit verdicts`: the verdicts that decisions rested on, out of the audit log, as `policy simulate --verdicts` reads them.

The log holds a verdict where its level changed for somebody, in each shard that it concerned; it is told once. A verdict that ran out
unrefreshed is told as `unknown`. With `--since`, what held at that time comes first.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated

import typer

from interlock.cli.answer import HERE, InWorkspace, Json, say
from interlock.cli.connection import connected
from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.audit import AuditRecord, Input, InputKind
from interlock.records.health import Level, Verdict
from interlock.records.log import ShardLog
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Bus, Position
from interlock.runtime.clock import SystemClock
from interlock.runtime.opening import load_trust
from interlock.runtime.settings import ServiceSettings
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Verified
from interlock.trials.simulate.recorded import Recorded, line_of
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import Micros, parse_duration
from interlock.wire.topics import AUDIT, VERDICTS

_SILENT = "the health-monitor was silent"


def verdicts(
    since: Annotated[str | None, typer.Option(help="Only of so long ago till now, such as 2h; by default all.")] = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Write the verdicts that decisions rested on, one a line, the first one first: for `interlock policy simulate --verdicts`."""
    after = _moment(since)

    async def work(bus: Bus, settings: ServiceSettings) -> list[Recorded]:
        return await _read(bus, Book.start(*load_trust(settings.trust_root, settings.deployment)))

    found = from_then_on(asyncio.run(connected(workspace, work)), after)
    lines = [line_of(verdict) for verdict in found]
    if as_json:
        say({"verdicts": [json.loads(line) for line in lines]}, "", as_json=True)
    elif lines:
        say({}, "\n".join(lines), as_json=False)
    else:
        typer.echo("The audit log holds no verdict of that time.", err=True)


def _moment(since: str | None) -> Micros | None:
    if since is None:
        return None
    try:
        return Micros(SystemClock().now().wall - parse_duration(since))
    except ValueError as error:
        raise ConfigurationError(f"--since: {error}.", "Write it as 30m, 2h or 7d.") from None


async def _read(bus: Bus, book: Book) -> list[Recorded]:
    """Every verdict of every shard, each once, by time."""
    shards = await bus.partitions(AUDIT.name)
    found: dict[bytes, Recorded] = {}
    for shard in range(shards):
        where = Position(AUDIT.name, shard)
        reader = await bus.reader([where], start={where: 0})
        journal = Journal(State.start(shard, shards, book), ShardLog(shard))
        for record in await reader.read_to_end():
            taken = journal.take(record.offset, record.value)
            if isinstance(taken, AuditRecord):
                for identity, verdict in _said_in(taken, journal.state.book.trust):
                    found[identity] = min(found.get(identity, verdict), verdict, key=lambda each: each.at)
        await reader.close()
    return sorted(found.values(), key=lambda verdict: (verdict.at, verdict.key))


def _said_in(step: AuditRecord, trust: TrustRoot) -> Iterator[tuple[bytes, Recorded]]:
    """What a step heard of models and guards: by its identity, at the time of the step."""
    for given in step.inputs:
        if given.kind is InputKind.LAPSE:
            yield from _lapsed(given)
        elif given.kind is InputKind.RECORD and given.topic == VERDICTS.name:
            opened = open_sealed(given.value, trust, Verdict)
            if isinstance(opened, Verified):
                said = opened.value
                heard = (said.model, said.scope, said.objective, said.level, said.detail, said.calls)
                yield opened.event_id, Recorded(step.now, *heard)


def _lapsed(given: Input) -> Iterator[tuple[bytes, Recorded]]:
    model, _, rest = given.subject.partition("/")
    scope, _, objective = rest.partition("/")
    identity = f"{given.subject} {given.at}".encode()
    yield identity, Recorded(given.at, model, scope, objective, Level.UNKNOWN, _SILENT, 0)


def from_then_on(verdicts: Iterable[Recorded], since: Micros | None) -> list[Recorded]:
    """The verdicts since a time, the first of them what held then."""
    if since is None:
        return list(verdicts)
    before: dict[str, Recorded] = {}
    after = []
    for verdict in verdicts:
        if verdict.at < since:
            before[verdict.key] = replace(verdict, at=since)
        else:
            after.append(verdict)
    return [*before.values(), *after]
