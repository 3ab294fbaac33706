"""Gathers what `measured` judges: from model servers, clients, the webhook, and the audit log, which is read anew each time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from interlock.records.change import AckKind
from interlock.records.sealing import event_id_of
from interlock.runtime.bus import Position
from interlock.runtime.first_settings import OWNERS
from interlock.trials.drill.cast import Agent
from interlock.trials.drill.field import PATIENCE_S
from interlock.trials.steady_client import ID_HEADER
from interlock.trials.survive.measured import Governed, Request, gone, repeated, unapproved, unheard_of
from interlock.trials.survive.world import World
from interlock.trials.witness import TOPICS
from interlock.vocabulary.identifiers import digest, shard_of
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT, SHARDS


@dataclass(frozen=True, slots=True)
class Cost:
    """What a fault cost, a sentence for each.

    Attributes:
        unapproved: Requests that no approved model should have answered.
        lost: Records and changes that are gone.
        repeated: Changes that were made or told twice.
    """

    unapproved: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[tuple[str, ...], ...]:
        """All three, in this order."""
        return self.unapproved, self.lost, self.repeated


@dataclass(slots=True)
class Meter:
    """Measures cell by cell: what was told of one is not told of the next again."""

    world: World
    _told: set[str] = field(default_factory=set)

    async def measure(self, since: Micros) -> Cost:
        """What was paid since a moment.

        Raises:
            NotSeen: The topics could not be read to their ends.
            InfrastructureError: The brokers cannot be reached.
        """
        witness = self.world.field.witness
        read = {where: dict(records) for where, records in witness.log.items()}
        lost = [*gone(read, await self._log())]
        # Before the ends: what is ordered after them is not read yet.
        known, requests = self._known_outside(), self._requests(since)
        await self.world.field.watch.up_to(await self._ends(), within_s=PATIENCE_S)
        lost += unheard_of(known, witness.changes)
        return Cost(
            unapproved=self._new(self._unapproved(requests)),
            lost=self._new(iter(lost)),
            repeated=self._new(repeated(witness.changes, self._notices())),
        )

    def _new(self, told: Iterator[str]) -> tuple[str, ...]:
        new = tuple(line for line in told if line not in self._told)
        self._told.update(new)
        return new

    async def _log(self) -> Mapping[Position, Mapping[int, bytes]]:
        """The audit log as it stands now, hash by hash."""
        reader = await self.world.field.stage.bus.reader([AUDIT.name])
        stands: dict[Position, dict[int, bytes]] = defaultdict(dict)
        try:
            for record in await reader.read_to_end():
                stands[Position(record.topic, record.partition)][record.offset] = digest(record.value or b"")
        finally:
            await reader.close()
        return stands

    async def _ends(self) -> Mapping[Position, int]:
        reader = await self.world.field.stage.bus.reader(TOPICS)
        try:
            return await reader.end_offsets()
        finally:
            await reader.close()

    def _known_outside(self) -> dict[str, str]:
        """By change id, who saw its effect outside of decision: routers, governance, agents."""
        field = self.world.field
        seen = {ack.change_id: ack.router for ack in field.witness.acks if ack.kind is AckKind.ACK}
        seen |= dict.fromkeys(self._notices(), "governance")
        for clients in field.everywhere.values():
            seen |= {reply.change_id: reply.id for client in clients.values() for reply in client.replies}
        return {change_id: who for change_id, who in seen.items() if change_id}

    def _notices(self) -> dict[str, set[str]]:
        """By change id, the idempotency keys of the notices that governance got of it."""
        keys: dict[str, set[str]] = defaultdict(set)
        for received in self.world.field.governance.requests:
            data = received.body["data"] if received.genuine else {}
            if "change_id" in data:
                keys[data["change_id"]].add(received.id)
        return dict(keys)

    def _unapproved(self, requests: Mapping[str, list[Request]]) -> Iterator[str]:
        for agent in self.world.field.cast.agents:
            yield from unapproved(requests[agent.name], self._governed(agent))

    def _requests(self, since: Micros) -> Mapping[str, list[Request]]:
        """By agent, the requests that models' servers saw since a moment."""
        field = self.world.field
        first, *_ = field.everywhere
        asked_at = {
            reply.id: reply.asked_at
            for clients in field.everywhere.values()
            for client in clients.values()
            for reply in client.replies
            if reply.at >= since
        }
        requests: dict[str, list[Request]] = defaultdict(list)
        for server, its in field.servers.items():
            for seen in reversed(its.seen):
                if (at := Micros(round(seen.at * SECOND))) < since:
                    break
                if seen.user in field.clients:
                    name = seen.headers.get(ID_HEADER, "")
                    gateway = name.rpartition("-")[0].partition(".")[2] or first
                    # One that is under way to this moment has no reply yet: it was asked a moment ago.
                    requests[seen.user].append(Request(name, gateway, server, asked_at.get(name, at), at))
        return requests

    def _governed(self, agent: Agent) -> Governed:
        witness = self.world.field.witness
        changes = self.world.field.changes(agent.name)
        identities = {event_id_of(change): change.id for change in changes}
        obeyed: dict[str, dict[str, Micros]] = {gateway: {} for gateway in self.world.gateways}
        owners = {OWNERS.get(gateway, gateway): gateway for gateway in self.world.gateways}
        for ack in witness.acks:
            if ack.kind is AckKind.ACK and ack.event_id in identities:
                obeyed[owners[ack.router]].setdefault(identities[ack.event_id], ack.at)
        heard = witness.heartbeats.get(shard_of(agent.name, SHARDS), [])
        return Governed(changes, obeyed, [beat.issued_at for beat in heard], self.world.silence_max(agent))
