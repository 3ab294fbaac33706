"""One decision beside the signature that follows it.

A route with a ladder of four is on its primary, and the verdict that its primary is dead arrives. What is measured is `decide` and
the encoding of the change that it makes, and then the Ed25519 signature over exactly those bytes, in turns, so that whatever slows the
machine slows both. Processor time is counted: other programs cost neither.
"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from interlock.decision.core.decide import decide
from interlock.records.change import RoutingChange
from interlock.records.codec import TYPE_OF
from interlock.records.health import Level, Verdict
from interlock.records.sealing import open_sealed
from interlock.signing.envelope import pae
from interlock.signing.verifier import Refused
from interlock.testing.builders import Deployment
from interlock.testing.driver import Driver
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.time import SECOND, Micros

LADDER = ("atlas", "birch", "cedar", "dogwood")
STABLE_S = 6


@dataclass(frozen=True, slots=True)
class OneDecision:
    """Medians over the rounds, microseconds of processor time.

    Attributes:
        decide_us: `decide` and the encoding of the change.
        sign_us: The Ed25519 signature over the change.
        change_bytes: Length of the change, encoded.
    """

    decide_us: float
    sign_us: float
    change_bytes: int

    @property
    def ratio(self) -> float:
        """How many signatures one decision costs."""
        return self.decide_us / self.sign_us


def measure(rounds: int) -> OneDecision:
    """Measure one decision, in so many rounds."""
    deployment = Deployment()
    driver = Driver(deployment, deployment.policy("support", LADDER))
    driver.all_healthy(*LADDER)
    driver.wait(STABLE_S)
    state, now = driver.state, driver.now
    until = Micros(now + 5 * SECOND)
    said = Verdict(
        LADDER[0], ANY, "unavailable", Level.UNAVAILABLE, "6 calls failed", 6, ("gateway-1",), now, now, until
    )
    verdict = open_sealed(deployment.seal(said, "health-1"), state.book.trust, Verdict)
    assert not isinstance(verdict, Refused)
    key = deployment.key("decision-1")

    def decided() -> bytes:
        (encoded,) = decide(state, verdict, now).encoded
        return encoded

    message = pae(TYPE_OF[RoutingChange], decided())
    gc.collect()
    gc.disable()
    try:
        times = [(_us(decided), _us(lambda: key.signature(message))) for _ in range(rounds)]
    finally:
        gc.enable()
    return OneDecision(median(each for each, _ in times), median(each for _, each in times), len(decided()))


def _us(work: Callable[[], object]) -> float:
    begun = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - begun) / 1_000
