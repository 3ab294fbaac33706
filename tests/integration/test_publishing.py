"""Policies that are published from several machines at one moment, on a real broker: one counts, and everybody knows which."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.cli.connection import read_standing
from interlock.cli.policy.parcels import Parcel
from interlock.cli.policy.publishing import Published, address, publish_parcels, read_back, send
from interlock.runtime.clock import SystemClock
from interlock.runtime.first_settings import OPERATOR, first_settings
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import Workspace
from interlock.testing.builders import Deployment
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import seconds

PUBLISHERS = 5


@pytest.fixture
def deployment() -> Deployment:
    return Deployment(f"it-{uuid.uuid4().hex[:8]}", now=SystemClock().now().wall)


@pytest.fixture
def settings(deployment: Deployment, real_kafka: str, tmp_path: Path) -> ServiceSettings:
    workspace = Workspace(tmp_path)
    workspace.write(workspace.root, deployment.sealed_root)
    workspace.write_settings(OPERATOR, first_settings(deployment.name, real_kafka, {})[OPERATOR])
    return ServiceSettings.load(workspace.settings(OPERATOR))


@pytest.fixture
async def machines(real_kafka: str) -> AsyncIterator[list[KafkaBus]]:
    """Each with a connection of its own."""
    made = [KafkaBus(real_kafka, client=f"machine-{number}") for number in range(PUBLISHERS)]
    yield made
    for bus in made:
        await bus.close()


def drafts(deployment: Deployment, version: int) -> list[Parcel]:
    """Complete policies of one version, no two alike."""
    rules = [deployment.rule(["atlas", "birch"], grace_us=seconds(10 + number)) for number in range(PUBLISHERS)]
    policies = [deployment.policy_of("support", rule, version=version) for rule in rules]
    return [
        Parcel(f"{number}.sealed", deployment.seal(policy, "grace", "oscar")) for number, policy in enumerate(policies)
    ]


def counting(done: list[Published]) -> list[str]:
    """The files that count; all others were told why theirs does not, and what to do."""
    parcels = [parcel for each in done for parcel in each.parcels]
    late = [parcel for parcel in parcels if not parcel.counts]
    assert all(parcel.refused and parcel.refused.reason is Reason.EQUIVOCATION for parcel in late)
    assert all("raise `version`" in parcel.mend for parcel in late)
    return [parcel.file for parcel in parcels if parcel.counts]


async def test_of_drafts_that_all_were_judged_before_any_was_sent_one_counts_and_the_others_are_told(
    deployment: Deployment, settings: ServiceSettings, machines: list[KafkaBus]
) -> None:
    standing = await read_standing(machines[0], settings)
    judged = [address([draft], standing) for draft in drafts(deployment, 1)]
    assert not any(parcel.refused for parcels in judged for parcel in parcels), "each would count if it were alone"
    publishers = [await bus.publisher() for bus in machines]
    sent = await asyncio.gather(*map(send, judged, publishers))
    read = [
        replace(done, parcels=read_back(done.parcels, await read_standing(bus, settings)))
        for done, bus in zip(sent, machines, strict=True)
    ]
    (winner,) = counting(read)
    offsets = {parcel.file: parcel.offset for done in read for parcel in done.parcels}
    assert winner == min(offsets, key=lambda file: offsets[file]), "the order on the topic decides"


async def test_publishing_at_one_moment_leaves_exactly_one_draft_that_counts_and_again_is_harmless(
    deployment: Deployment, settings: ServiceSettings, machines: list[KafkaBus]
) -> None:
    parcels = drafts(deployment, 1)
    done = await asyncio.gather(
        *(publish_parcels([parcel], bus, settings) for parcel, bus in zip(parcels, machines, strict=True))
    )
    (winner,) = counting(list(done))
    again = [await publish_parcels([parcel], machines[0], settings) for parcel in parcels]
    assert counting(again) == [winner]
    assert not any(each.sent for each in again)
    held = (await read_standing(machines[0], settings)).book.policies["support"]
    assert held.sealed == next(parcel.sealed for parcel in parcels if parcel.file == winner)
