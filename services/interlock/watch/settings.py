"""Settings of the deadline watch. Whom it tells of a breach is not among them: only signed policies say that."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import model_validator

from interlock.runtime.settings import Duration, Name, ServiceSettings
from interlock.vocabulary.time import duration_text, seconds

DEADLINE_MAX = seconds(300)
"""The promise to the governance function: a later deadline would be another promise."""

PERIOD_MAX = seconds(5)
"""The promise, too: a breach is on record so long after the deadline at most."""


class WatchSettings(ServiceSettings):
    """What the deadline watch must know.

    Attributes:
        owner: Its name in the trust root.
        key: Its private key: it seals the breaches and signs what its last channel is told.
        deadline: How long after a change its receipt is waited for; `5m` at most. Where two watches run, both have the same.
        period: How often it looks; `5s` at most.
        heartbeat_url: A dead man's switch outside, which raises the alarm when no request comes for a minute. The requests say nothing, so
            nobody has to sign where they go. None: nobody outside is told that the watch is well.
    """

    owner: Name
    key: Path
    deadline: Duration = DEADLINE_MAX
    period: Duration = seconds(1)
    heartbeat_url: str | None = None

    @model_validator(mode="after")
    def _promise_is_kept(self) -> Self:
        if not 0 < self.deadline <= DEADLINE_MAX:
            raise ValueError(f"deadline is 0, or more than the {duration_text(DEADLINE_MAX)} that are promised")
        if not 0 < self.period <= PERIOD_MAX:
            raise ValueError(f"period is 0, or more than {duration_text(PERIOD_MAX)}: breaches would be recorded late")
        return self

    @model_validator(mode="after")
    def _heartbeat_can_be_sent(self) -> Self:
        if self.heartbeat_url is not None and not _is_address(self.heartbeat_url):
            raise ValueError(
                "heartbeat_url is not an address; write https://host/path"
            )  # it may hold a secret: not repeated
        return self


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
