"""Settings of the probe. Which models it calls is not among them: only signed policies say that."""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from interlock.runtime.settings import Duration, Name, ServiceSettings
from interlock.vocabulary.time import seconds

IN_FLIGHT_MAX = 60
"""Calls of one model at a time, if none of them is answered."""


class ProbeSettings(ServiceSettings):
    """What the probe must know.

    Attributes:
        owner: Its name in the trust root.
        key: Its private key.
        interval: How often each model is called.
        timeout: How long a model may take to answer; longer than the interval is fine, calls then overlap.
    """

    owner: Name
    key: Path
    interval: Duration = seconds(1)
    timeout: Duration = seconds(5)

    @model_validator(mode="after")
    def _durations_fit(self) -> Self:
        if self.interval <= 0 or self.timeout <= 0:
            raise ValueError("interval and timeout are more than 0")
        if self.timeout > IN_FLIGHT_MAX * self.interval:
            raise ValueError(f"timeout is more than {IN_FLIGHT_MAX} times interval: calls would pile up")
        return self
