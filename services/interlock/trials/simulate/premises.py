"""What a simulation takes for granted, in words: an answer is worth as much as what it rests on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interlock.health_monitor.core.objectives import CANARY
from interlock.signing.roles import Role
from interlock.trials.simulate.outage import USUAL_LATENCY_US
from interlock.trials.simulate.question import Setting
from interlock.trials.simulate.recorded import Recorded, watched_in
from interlock.vocabulary.time import Micros, duration_text

_NAMED_MAX = 6


@dataclass(frozen=True, slots=True)
class Premises:
    """The premises of one simulation.

    Attributes:
        setting: What is tried.
        monitored: Where the health-monitor's figures are from.
    """

    setting: Setting
    monitored: str

    def of_outages(self) -> list[str]:
        """Those of an imagined outage."""
        return [
            (
                f"Nothing else is the matter: every other call is answered well after {duration_text(USUAL_LATENCY_US)}, "
                "and when the outage ends everything is well at once."
            ),
            "A model is out if any of its regions, or whoever stands between, is.",
            *self._probed(),
            *self._always(),
        ]

    def of_calls(self, traced: Iterable[str], passed_over: Sequence[str]) -> list[str]:
        """Those of recorded calls."""
        models = {rung.model.name for policy in self.setting.policies for rule in policy.routes for rung in rule.ladder}
        others = sorted(models - set(traced))
        said = [
            "Each model answers as was recorded, whoever calls it and however often.",
            (
                f"Where nothing was recorded of a model for {duration_text(self.setting.bridge_us)}, and after the record's end, the probe sees "
                "what its last recorded call saw; before its first one, what its first good one will see."
            ),
        ]
        said += [f"Of these models nothing was recorded; they are well: {few(others)}."] if others else []
        said += (
            [f"No ladder holds these models; their calls are passed over: {few(passed_over)}."] if passed_over else []
        )
        return [*said, *self._probed(), *self._always()]

    def of_verdicts(self, verdicts: Sequence[Recorded]) -> list[str]:
        """Those of recorded verdicts."""
        told = {(verdict.model, verdict.objective) for verdict in verdicts}
        asked = watched_in(self.setting.policies)
        silent = sorted(" ".join(pair) for pair in asked - told)
        idle = sorted(" ".join(pair) for pair in told - asked)
        said = ["Each verdict holds until the next one; before the first one everything is well."]
        said += [f"Of these nothing was recorded; they are well: {few(silent)}."] if silent else []
        said += [f"No policy watches these; their verdicts are passed over: {few(idle)}."] if idle else []
        return [*said, *self._canary(), *self._always(guards=False)]

    def _probed(self) -> list[str]:
        rules, setting = self.setting.rules, self.setting
        return [
            (
                f"The probe calls every model every {duration_text(setting.interval_us)} and waits "
                f"{duration_text(setting.timeout_us)}; the health-monitor judges by its own rules ({self.monitored}): "
                f"{rules.faults_in_a_row} failures in a row, or shares of the last {duration_text(rules.window_us)}."
            ),
            "Agents' own calls are not counted: where there are many of them, an outage is known sooner.",
            *self._unjudged(),
        ]

    def _unjudged(self) -> list[str]:
        missing = self.setting.unjudged()
        if not missing:
            return []
        what = ", ".join("the steps of a canary" if objective == CANARY else objective for objective in missing)
        if self.setting.evaluator:
            return [f"An evaluator with a health key finds everything well: {what}."]
        return [
            (
                f"Nobody judges {what}: a model that is not judged is not entered, and no canary passes. "
                "With --evaluator, somebody finds them well."
            )
        ]

    def _canary(self) -> list[str]:
        if CANARY not in self.setting.unjudged():
            return []
        if self.setting.evaluator:
            return ["An evaluator with a health key finds every step of a canary well."]
        return ["Nobody judges the steps of a canary: none passes. With --evaluator, somebody finds them well."]

    def _always(self, *, guards: bool = True) -> list[str]:
        after = self.setting.approve_after_us
        approving = "Nobody approves what waits" if after is None else f"What waits is approved after {_text(after)}"
        said = [f"{approving}, nobody resumes what was stopped, and every router obeys."]
        mute = sorted(self._guards() - self._named_guards())
        if guards and mute:
            said.append(
                f"The trust root names no guard {few(mute)}: it cannot beat, and what requires it stands still."
            )
        return [
            *said,
            "A draft counts as if everybody had signed it who must; what was denied since on the topic is not known here.",
        ]

    def _guards(self) -> set[str]:
        return {guard for policy in self.setting.policies for rule in policy.routes for guard in rule.guards}

    def _named_guards(self) -> set[str]:
        return {owner for role, owner in self.setting.stand_in.keys if role == Role.GUARD}


def few(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    more = len(names) - _NAMED_MAX
    return ", ".join(names[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def _text(duration: Micros) -> str:
    return duration_text(duration) if duration else "no time"
