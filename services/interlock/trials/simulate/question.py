"""What is asked, put together: a deployment with policies to try, and an incident from one of three sources.

setting = Setting(StandIn.of(root), policies, registrations, rules, now=now)
played = imagine(setting, [Outage(frozenset({"atlas"}), begins, ends)], progress)
stories = tell(played)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interlock.health_monitor.core.objectives import CANARY, Rules, guards_in, without_producer
from interlock.health_monitor.probe.core import models_in
from interlock.records.documents import RoutePolicy
from interlock.records.models import Registration
from interlock.trials.replay.trace import RecordedCall
from interlock.trials.simulate.approvals import Approvals
from interlock.trials.simulate.incidents import Incident, Outages, Trace
from interlock.trials.simulate.line import Line
from interlock.trials.simulate.outage import Outage
from interlock.trials.simulate.probed import Probed, Watched
from interlock.trials.simulate.recorded import Recorded, Recording, take_as_healthy, watched_in
from interlock.trials.simulate.run import Progress, Run, play, publish
from interlock.trials.simulate.stand_in import StandIn
from interlock.vocabulary.time import Micros, seconds

PROBE_INTERVAL_US = seconds(1)
PROBE_TIMEOUT_US = seconds(5)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is tried, and under which assumptions.

    Attributes:
        stand_in: The deployment.
        policies: What is tried, at most one for each agent.
        registrations: What governance says of models.
        rules: How the health-monitor judges.
        now: The date at which it all happens: evidence and policies end at dates.
        interval_us: How often the probe calls each model; `timeout_us` how long it waits.
        evaluator: Whether an evaluator is assumed that finds healthy what no part of this release judges.
        approve_after_us: After how long people approve what waits for them; None: they do not.
    """

    stand_in: StandIn
    policies: Sequence[RoutePolicy]
    registrations: Sequence[Registration]
    rules: Rules
    now: Micros
    interval_us: Micros = PROBE_INTERVAL_US
    timeout_us: Micros = PROBE_TIMEOUT_US
    evaluator: bool = False
    approve_after_us: Micros | None = None

    @property
    def bridge_us(self) -> Micros:
        """How long nothing need be recorded of a model before the probe is asked: half of what this health-monitor calls silence."""
        return Micros(self.rules.silence_us // 2)

    def unjudged(self) -> list[str]:
        """The objectives that some policy watches and no part of this release judges; `canary` for the steps of one."""
        return sorted({objective for policy in self.policies for objective in without_producer(policy)})


def imagine(setting: Setting, outages: Sequence[Outage], progress: Progress) -> Run:
    """Play outages, as the probe and the health-monitor would see them."""
    return _probed(setting, Outages(outages, setting.timeout_us), progress)


def retrace(setting: Setting, calls: Sequence[RecordedCall], begins: Micros, progress: Progress) -> Run:
    """Play recorded calls, whose models are named as in the registry, through the health-monitor."""
    return _probed(setting, Trace(calls, begins, setting.bridge_us), progress)


def repeat(setting: Setting, verdicts: Sequence[Recorded], begins: Micros, progress: Progress) -> Run:
    """Play recorded verdicts, one at least. What they do not speak of, or not yet, is taken as healthy."""
    line = _begun(setting)
    take_as_healthy(line, sorted(watched_in(setting.policies)))
    feed = Recording(line, watched(verdicts, setting.policies), begins)
    return play(line, feed, Micros(begins + verdicts[-1].at), Approvals(line, setting.approve_after_us), progress)


def watched(verdicts: Iterable[Recorded], policies: Iterable[RoutePolicy]) -> list[Recorded]:
    """The verdicts that speak of what some policy watches."""
    pairs = watched_in(policies)
    return [verdict for verdict in verdicts if (verdict.model, verdict.objective) in pairs]


def _probed(setting: Setting, incident: Incident, progress: Progress) -> Run:
    line = _begun(setting)
    if setting.evaluator:
        missing = {objective for objective in setting.unjudged() if objective != CANARY}
        take_as_healthy(line, sorted(pair for pair in watched_in(setting.policies) if pair[1] in missing))
    book = line.state.book
    served_as = {name: model.served_as for name, model in models_in(book).items()}
    feed = Probed(line, incident, Watched(served_as, guards_in(book), setting.interval_us, setting.timeout_us))
    return play(line, feed, incident.ends, Approvals(line, setting.approve_after_us), progress)


def _begun(setting: Setting) -> Line:
    line = Line(setting.stand_in, setting.rules, setting.now, setting.evaluator)
    publish(line, setting.policies, setting.registrations)
    return line
