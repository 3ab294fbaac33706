"""Interlock on the same brokers: the decision service and a gateway, each a process of its own, and a verdict now and then.

Every round has an agent of its own, whose primary fails in it: so each round is the same, and none waits for a recovery. The verdicts
are signed with the health-monitor's key, by this process. Of what the services do in a round they write down the times themselves
(`testing.timed`); nothing else about them is changed.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from interlock.brokers.free_ports import free_ports
from interlock.records.health import Level, Verdict
from interlock.runtime.bus import Publisher
from interlock.runtime.clock import SystemClock
from interlock.runtime.kafka_bus import KafkaBus
from interlock.testing.builders import TRIGGERS, Deployment
from interlock.testing.timed.notes import Note, NoteReader
from interlock.trials.bench.reaction.hops import LOOK_S
from interlock.trials.processes import Processes
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.identifiers import ANY, RouteId, shard_of
from interlock.vocabulary.limits import VERDICT_VALID_US_MAX
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT, POLICIES, ROUTES, SHARDS, VERDICTS

FALLBACK = "birch"
TRIGGER = TRIGGERS[0]

_PLACED_S_MAX = 120.0
_ENFORCED_S_MAX = 30.0
_REPEAT_S = 3.0
_SETTLE_S = 2.0
"""Until what the placing left to be written, the state topic first of all, is written."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What followed from one verdict.

    Attributes:
        published: When its publication was called, on the clock since boot.
        acknowledged: When the brokers had it.
        moments: When the services came to each point after it, in their own words; `router enforced` is the last.
        sizes: Bytes of the verdict, of the audit record and of the order.
    """

    published: Micros
    acknowledged: Micros
    moments: Mapping[str, Micros]
    sizes: tuple[int, int, int]


class Line:
    """The line, with every agent on its primary. Made by `open`."""

    def __init__(self, deployment: Deployment, publisher: Publisher, notes: tuple[NoteReader, NoteReader]) -> None:
        self._deployment = deployment
        self._publisher = publisher
        self._decision, self._router = notes
        self._clock = SystemClock()

    @classmethod
    @asynccontextmanager
    async def open(cls, bootstrap: str, folder: Path, rounds: int, progress: Progress) -> AsyncIterator[Self]:
        """Start the services, publish the policies, and wait until every agent is on its primary.

        Args:
            bootstrap: Kafka bootstrap servers with our topics; records of earlier runs there are another deployment's.
            folder: Where keys, settings, logs and notes go.
            rounds: How many agents there are.
            progress: Told how it goes.
        """
        name = f"bench-{secrets.token_hex(4)}"
        agents = [f"agent-{number}" for number in range(rounds)]
        deployment = Deployment(name, now=SystemClock().now().wall, agents=agents)
        deployment.install(folder)
        notes = folder / "decision.notes", folder / "gateway.notes"
        bus = KafkaBus(bootstrap, client="interlock-bench")
        try:
            async with Processes(folder / "logs") as processes:
                await _start(processes, deployment, bootstrap, folder, notes)
                line = cls(deployment, await bus.publisher(), (NoteReader(notes[0]), NoteReader(notes[1])))
                await line._place(rounds, progress)
                yield line
        finally:
            await bus.close()

    async def react(self, number: int) -> Reaction:
        """Say that the primary of one agent is unavailable; what followed from it."""
        agent, primary = f"agent-{number}", _primary(number)
        route, shard = RouteId(agent, "main", ANY).key, shard_of(agent, SHARDS)
        verdict = self._verdict(primary, Level.UNAVAILABLE)
        sealed = self._deployment.seal(verdict, "health-1")
        published = self._clock.now().boot
        await self._publisher.publish(VERDICTS.name, verdict.key, sealed)
        acknowledged = self._clock.now().boot
        seen = await self._enforced({route: FALLBACK}, _ENFORCED_S_MAX, lambda done: None)
        decided = _Decided(await self._published(route), verdict.key, str(shard), route)
        routed = {f"router {note.what}": note.at for note in seen if note.about == route}
        sizes = len(sealed), *decided.sizes
        return Reaction(published, acknowledged, decided.moments | routed, sizes)

    async def _published(self, route: str) -> list[Note]:
        """What decision noted, up to the acknowledgement of the order: routers may be quicker than that."""
        notes: list[Note] = []
        async with asyncio.timeout(_ENFORCED_S_MAX):
            while not any(note.what == f"appended {ROUTES.name}" and note.about == route for note in notes):
                notes += self._decision.news()
                await asyncio.sleep(LOOK_S)
        return notes

    async def _place(self, rounds: int, progress: Progress) -> None:
        rule = self._deployment.rule
        for number in range(rounds):
            progress("signing policies", number, rounds)
            ladder = rule((_primary(number), FALLBACK), triggers=(TRIGGER,), stable_us=Micros(SECOND))
            policy = self._deployment.policy_of(f"agent-{number}", ladder)
            sealed = self._deployment.seal(policy, "grace", "oscar")
            await self._publisher.publish(POLICIES.name, f"policy/agent-{number}", sealed, partition=0)
        progress("signing policies", rounds, rounds)
        wanted = {RouteId(f"agent-{number}", "main", ANY).key: _primary(number) for number in range(rounds)}
        saying = asyncio.create_task(self._say_healthy((FALLBACK, *wanted.values())))
        try:
            await self._enforced(wanted, _PLACED_S_MAX, lambda done: progress("placing agents", done, rounds))
        finally:
            saying.cancel()
        await asyncio.sleep(_SETTLE_S)
        self._decision.news()

    async def _say_healthy(self, models: Sequence[str]) -> None:
        """Say it again and again: a verdict that comes before the policy that uses its model does not count."""
        while True:
            for model in models:
                verdict = self._verdict(model, Level.HEALTHY)
                await self._publisher.publish(VERDICTS.name, verdict.key, self._deployment.seal(verdict, "health-1"))
            await asyncio.sleep(_REPEAT_S)

    def _verdict(self, model: str, level: Level) -> Verdict:
        now = self._clock.now().wall
        until = Micros(now + VERDICT_VALID_US_MAX)
        return Verdict(model, ANY, TRIGGER.objective, level, "6 calls failed", 6, ("gateway-1",), now, now, until)

    async def _enforced(self, wanted: Mapping[str, str], seconds: float, done: Callable[[int], None]) -> list[Note]:
        """Wait until the router answers with a model for each of these routes; what it noted meanwhile."""
        left, seen = dict(wanted), list[Note]()
        try:
            async with asyncio.timeout(seconds):
                while left:
                    news = self._router.news()
                    seen += news
                    for note in news:
                        if note.what == "enforced" and left.get(note.about) == note.found:
                            del left[note.about]
                    done(len(wanted) - len(left))
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise InfrastructureError(
                f"The router did not follow within {seconds:g} s: {len(left)} of {len(wanted)} routes are missing.",
                "Run again with `--keep DIR` and read the logs there.",
            ) from None
        return seen


async def _start(
    processes: Processes, deployment: Deployment, bootstrap: str, folder: Path, notes: tuple[Path, Path]
) -> None:
    """Start the two services and wait until they are ready: every shard has a live lease at the router."""
    shared = f'bootstrap = "{bootstrap}"\ndeployment = "{deployment.name}"\ntrust_root = "root-1.sealed"\n'
    keys = [
        f'[[agents]]\nagent = "{agent}"\nkey_sha256 = "{sha256(agent.encode()).hexdigest()}"\n'
        for agent in deployment.agents
    ]
    own = {
        "decision": 'owner = "decision-1"\nkey = "decision-1.pem"\n',
        "gateway": 'owner = "gateway-1"\nkey = "gateway-1.pem"\nserve = "127.0.0.1:0"\nstate = "marks.sqlite"\n'
        + "".join(keys),
    }
    for (service, text), path in zip(own.items(), notes, strict=True):
        settings = folder / f"{service}.toml"
        settings.write_text(shared + text, encoding="utf-8")
        (port,) = free_ports(1)
        await processes.start(
            service,
            f"interlock.testing.timed.{service}",
            str(settings),
            str(path),
            url=f"http://127.0.0.1:{port}/readyz",
            environment={"INTERLOCK_LISTEN": f"127.0.0.1:{port}"},
        )
    await processes.ready(*own)


def _primary(number: int) -> str:
    return f"atlas-{number}"


class _Decided:
    """What decision noted of one verdict: when it was read for all shards, its own shard's decision, the audit record, the order."""

    def __init__(self, notes: list[Note], verdict: str, shard: str, route: str) -> None:
        own = [note for note in notes if note.about == route or (note.about == verdict and note.found in {"", shard})]
        since = next(note.at for note in own if note.what == "decided")
        log = [note for note in notes if note.about == shard and note.at >= since]
        steps = {note.what: note for note in (*reversed(log), *own)}  # of the log, the first record from then on
        self.moments = {f"decision {what}": note.at for what, note in steps.items()}
        self.sizes = int(steps[f"appending {AUDIT.name}"].found), int(steps[f"appending {ROUTES.name}"].found)
