"""What happens in the world, the same in every run: each thing only once the one before it has had its effect."""

from collections.abc import Awaitable, Callable

from interlock.records.change import RoutingChange, Trigger
from interlock.records.commands import Verb
from interlock.records.health import Level
from interlock.testing.killing.settled import settled
from interlock.testing.killing.world import BULK, ROUTES_ASKED, SUPPORT, TRIAGE, World
from interlock.vocabulary.identifiers import RouteId

Story = Callable[[World], Awaitable[None]]


def line(planned: str) -> Story:
    """Policies, verdicts, a primary that dies, a denial, safe states, recovery, commands, a new policy, a breach.

    Args:
        planned: The service that is restarted in an orderly way in the middle of it.
    """

    async def tell(world: World) -> None:
        world.publish_policies()
        await routed(world, "begins in the safe state", lambda last: last.safe_state is not None)
        world.levels |= dict.fromkeys(("atlas", "birch", "cedar"), Level.HEALTHY)
        await served(world, "atlas", "atlas", "atlas")
        world.levels["atlas"] = Level.UNAVAILABLE
        await served(world, "birch", "cedar", "cedar")
        world.deny("birch")
        await served(world, "cedar", "cedar", "cedar")
        await world.restart(planned)
        world.levels["cedar"] = Level.UNAVAILABLE
        await served(world, None, None, None)
        world.levels["cedar"] = Level.HEALTHY
        await served(world, "cedar", "cedar", "cedar")
        world.command(Verb.SUSPEND, TRIAGE, "pause-triage")
        await served(world, "cedar", None, "cedar")
        await world.until(lambda: any(world.tickets), "a client is given a ticket")
        world.command(Verb.RESUME, TRIAGE, "resume-triage")
        await served(world, "cedar", "cedar", "cedar")
        world.publish_policies(2, "triage")
        await world.until(
            lambda: _last(world, TRIAGE, lambda last: last.policy_version == 2), "the new policy is in force"
        )
        await settled(world)
        world.receiver.refuses.add("support")
        world.levels["atlas"] = Level.HEALTHY
        await served(world, "atlas", "atlas", "atlas")
        await world.until(
            lambda: _last(world, SUPPORT, lambda last: last.cause.trigger is Trigger.UNNOTIFIED), "it is suspended"
        )
        await served(world, None, "atlas", "atlas")
        world.receiver.refuses.clear()
        await settled(world)

    return tell


async def served(world: World, support: str | None, triage: str | None, bulk: str | None) -> None:
    """Wait until the log says of each route, and the router serves it with, what is given; None: nothing."""
    wanted = {SUPPORT: support, TRIAGE: triage, BULK: bulk}

    def as_wanted() -> bool:
        return world.subscriber is not None and all(
            world.served(route) == model and (last := world.ledger.read().last(route)) and last.target == model
            for route, model in wanted.items()
        )

    await world.until(as_wanted, f"support on {support}, triage on {triage} and {bulk}")


async def routed(world: World, what: str, condition: Callable[[RoutingChange], bool]) -> None:
    """Wait until something holds of the last change of every route."""
    await world.until(lambda: all(_last(world, route, condition) for route in ROUTES_ASKED), what)


def _last(world: World, route: RouteId, condition: Callable[[RoutingChange], bool]) -> bool:
    last = world.ledger.read().last(route)
    return last is not None and condition(last)
