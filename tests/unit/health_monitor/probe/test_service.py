import asyncio
from collections import Counter

from interlock.health_monitor.probe.core import Answer
from interlock.health_monitor.probe.prober import Prober
from interlock.health_monitor.probe.service import ProbeService
from interlock.records.health import Outcome, TelemetryBatch
from interlock.records.models import Model
from interlock.records.sealing import open_sealed
from interlock.records.telling import Finding
from interlock.reporting.findings import Findings
from interlock.reporting.telemetry import TelemetryEmitter
from interlock.runtime.bus import Record
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.runtime.policy_follower import PolicyFollower
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import Deployment
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import seconds
from interlock.wire.topics import FINDINGS, TELEMETRY


class Line:
    """Stands for the models' servers: `birch` never answers in time, `cedar` has no credential, `nova` is another model."""

    async def call(self, model: Model) -> Answer:
        await asyncio.sleep(3 if model.name == "birch" else 0.2)
        if model.name == "cedar":
            raise ConfigurationError("The secret env:CEDAR_KEY is not set.", "Set it.")
        if model.name == "nova":
            return Answer(Outcome.MODEL_GONE, "nova-imposter")
        return Answer(Outcome.TIMEOUT) if model.name == "birch" else Answer(Outcome.OK, model.served_as)


def test_every_rung_is_probed_once_a_second_and_a_hanging_one_holds_up_nobody():
    async def main(clock: VirtualClock) -> None:
        bus = MemoryBus(MemoryBroker(clock=clock))
        deployment, metrics, readiness = Deployment(), Metrics("test"), Readiness("credentials")
        publisher = await bus.publisher()
        book = deployment.book(deployment.policy("support", ["atlas", "birch", "cedar", "nova"]))

        async def refused(record: Record, why: Refused) -> None:
            raise AssertionError(why)

        policies = PolicyFollower(await bus.reader(["interlock.policies.v1"]), book, refused)
        key = deployment.key("probe-1")
        telemetry = TelemetryEmitter(publisher, "probe-1", key, clock, metrics)
        findings = Findings(publisher, "probe-1", key, clock, metrics)
        prober = Prober(Line(), telemetry, findings, clock)  # type: ignore[arg-type]  # stands for the caller
        service = ProbeService(prober, policies, clock, readiness, seconds(1))
        stop = Stop()
        running = [asyncio.create_task(loop) for loop in (service.run(stop), telemetry.run(stop))]
        await asyncio.sleep(10.5)
        stop.request()
        await asyncio.gather(*running)

        seen: Counter[tuple[str, str]] = Counter()
        for record in await (await bus.reader([TELEMETRY.name])).read_to_end():
            batch = open_sealed(record.value, deployment.root, TelemetryBatch)
            assert isinstance(batch, Verified)
            for cell in batch.value.cells:
                assert (cell.agent, cell.slot, cell.scope) == ("probe", "main", "*")
                seen.update({(batch.value.model, outcome): count for outcome, count in cell.outcomes.items()})
        assert seen[("atlas", "ok")] in {10, 11}
        assert seen[("birch", "timeout")] in {7, 8}, "those of the last three seconds are still under way"
        assert seen[("nova", "model_gone")] in {10, 11}
        assert {model for model, _ in seen} == {"atlas", "birch", "nova"}
        assert readiness.as_json()["conditions"] == {"credentials": {"met": False, "why": "none for cedar"}}
        (finding, *_) = await (await bus.reader([FINDINGS.name])).read_to_end()
        opened = open_sealed(finding.value, deployment.root, Finding)
        assert isinstance(opened, Verified)
        assert opened.value.detail == "nova was asked, 'nova-imposter' answered"

    run_virtually(main)
