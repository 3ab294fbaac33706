"""Ports of loopback for what is about to be started, and cannot choose its own because others are told of it first."""

import secrets
import socket
from collections import deque

from interlock.vocabulary.errors import InfrastructureError

RANGE = range(10_240, 16_000)
"""Below what any usual kernel gives to those who ask for no port in particular (Linux from 32,768, gVisor from 16,000): so nobody
gets one of these by chance between here and the moment it is listened at, or while what listened there is restarted."""

_given: deque[int] = deque(maxlen=1_000)
"""What this process has been given lately, and may not listen at yet."""


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens now, all different; none is given to this process again soon.

    Raises:
        InfrastructureError: There are not so many.
    """
    found: list[int] = []
    for port in secrets.SystemRandom().sample(RANGE, len(RANGE)):
        if len(found) == count:
            break
        if port not in _given and _is_free(port):
            found.append(port)
            _given.append(port)
    if len(found) < count:
        raise InfrastructureError(
            f"Only {len(found)} of {count} ports from {RANGE.start} to {RANGE.stop - 1} are free.",
            "Stop what listens there.",
        )
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
