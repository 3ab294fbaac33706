"""Settings of the health-monitor."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from interlock.health_monitor.core.objectives import Rules
from interlock.runtime.settings import Duration, Name, ServiceSettings
from interlock.vocabulary.time import seconds


class HealthMonitorSettings(ServiceSettings):
    """What the health-monitor must know.

    Attributes:
        owner: Its name in the trust root.
        key: Its private key.
        window: How far back shares of calls look; also how old a batch may be.
        calls_min: The smallest sample that they judge.
        faults_in_a_row: How many make a model, or its credential, unavailable.
        successes_in_a_row: How many make it available, at first and again.
        silence: After how long without a call that says anything a model is unknown. Standbys are called by the probe only, so this is more than
            the probe's interval.
        refresh: How often a verdict that did not change is said again.
        validity: How long a verdict may be believed; it outlives a refresh that got lost.
    """

    owner: Name
    key: Path
    window: Duration = seconds(30)
    calls_min: int = Field(default=5, ge=1, le=10_000)
    faults_in_a_row: int = Field(default=5, ge=1, le=100)
    successes_in_a_row: int = Field(default=3, ge=1, le=100)
    silence: Duration = seconds(10)
    refresh: Duration = seconds(1)
    validity: Duration = seconds(5)

    @model_validator(mode="after")
    def _durations_fit(self) -> Self:
        if not 0 < 2 * self.refresh <= self.validity:
            raise ValueError("validity is less than twice refresh: one lost verdict would make a model unknown")
        if not self.refresh <= self.silence <= self.window:
            raise ValueError("silence is less than refresh or more than window: set refresh ≤ silence ≤ window")
        return self

    @property
    def rules(self) -> Rules:
        """The same as the core takes them."""
        return Rules(
            window_us=self.window,
            calls_min=self.calls_min,
            faults_in_a_row=self.faults_in_a_row,
            successes_in_a_row=self.successes_in_a_row,
            silence_us=self.silence,
            refresh_us=self.refresh,
            validity_us=self.validity,
        )
