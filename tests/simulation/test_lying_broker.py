"""A broker that lies: every lie, told to every service, in virtual time, with the real services; and lies at random.

What no lie may bring about is checked in every story (`Outcome.faults`); where the route ends while the lie lasts, and who is told, stands in
the table. Each service that is lied to about what it reads has a cell: `tests that no cell is empty`.
"""

import random
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from interlock.testing.lying.lies import (
    Ahead,
    Cut,
    Drop,
    Freeze,
    Late,
    Lie,
    Reorder,
    Repeat,
    Rewind,
    ServeOld,
    Which,
    Withhold,
)
from interlock.testing.lying.story import LIE_S, SHORT_LIE_S, Lies, Outcome, tell_story
from interlock.testing.lying.world import GRACE_S, LEASE_S
from interlock.vocabulary.time import Micros, seconds
from interlock.wire.topics import AUDIT, HEARTBEATS, NOTICES, POLICIES, ROUTES, VERDICTS, TopicSpec

DENIAL = Which(POLICIES.name, "deny/")
VICTIMS: dict[str, tuple[str, ...]] = {
    "router": ("router",),
    "decision": ("decision",),
    "notifier": ("notifier",),
    "watch": ("watch",),
    "notifier and watch": ("notifier", "watch"),
}
READS: dict[str, Collection[TopicSpec]] = {
    "router": (POLICIES, ROUTES, HEARTBEATS),
    "decision": (POLICIES, ROUTES, AUDIT, VERDICTS),
    "notifier": (POLICIES, AUDIT, NOTICES),
    "watch": (POLICIES, AUDIT, NOTICES),
}
"""What each service reads, of the topics that are lied about."""


def since(topic: TopicSpec, now: Micros) -> Which:
    return Which(topic.name, after=now)


LIES: dict[str, tuple[TopicSpec | None, Lies]] = {
    "withholds the denial": (POLICIES, lambda now: [Withhold(DENIAL)]),
    "says the policies end before it": (POLICIES, lambda now: [Cut(DENIAL)]),
    "tells the policies late": (POLICIES, lambda now: [Late(since(POLICIES, now), seconds(30))]),
    "freezes the policies": (POLICIES, lambda now: [Freeze(Which(POLICIES.name))]),
    "an older end of the policies": (POLICIES, lambda now: [Rewind(POLICIES.name, 0)]),
    "withholds the order": (ROUTES, lambda now: [Withhold(since(ROUTES, now))]),
    "says the routes end before it": (ROUTES, lambda now: [Cut(since(ROUTES, now))]),
    "serves the old order": (ROUTES, lambda now: [ServeOld(since(ROUTES, now))]),
    "freezes the routes": (ROUTES, lambda now: [Freeze(Which(ROUTES.name))]),
    "an older end of the routes": (ROUTES, lambda now: [Rewind(ROUTES.name, 0)]),
    "withholds the log": (AUDIT, lambda now: [Withhold(since(AUDIT, now))]),
    "says the log ends": (AUDIT, lambda now: [Cut(since(AUDIT, now))]),
    "serves old steps": (AUDIT, lambda now: [ServeOld(since(AUDIT, now))]),
    "freezes the log": (AUDIT, lambda now: [Freeze(Which(AUDIT.name))]),
    "an older end of the log": (AUDIT, lambda now: [Rewind(AUDIT.name, 0)]),
    "withholds the heartbeats": (HEARTBEATS, lambda now: [Withhold(since(HEARTBEATS, now))]),
    "tells the heartbeats late": (HEARTBEATS, lambda now: [Late(since(HEARTBEATS, now), seconds(20))]),
    "withholds the verdicts": (VERDICTS, lambda now: [Withhold(since(VERDICTS, now))]),
    "withholds the receipts": (NOTICES, lambda now: [Withhold(since(NOTICES, now))]),
    "says the receipts end": (NOTICES, lambda now: [Cut(since(NOTICES, now))]),
    "repeats everything": (None, lambda now: [Repeat(Which())]),
    "reorders everything": (None, lambda now: [Reorder(Which(after=now))]),
    "freezes everything": (None, lambda now: [Freeze(Which())]),
    "cuts every connection": (None, lambda now: [Drop()]),
    "says there is always more": (None, lambda now: [Ahead(Which())]),
}


def reads(lie: str, victim: str) -> bool:
    topic, _ = LIES[lie]
    return topic is None or any(topic in READS[service] for service in VICTIMS[victim])


def story(folder: Path, lie: str, victim: str) -> Outcome:
    killed = ["decision"] if victim == "decision" else []
    lie_s = SHORT_LIE_S if victim in {"router", "decision"} else LIE_S
    return tell_story(folder, VICTIMS[victim], LIES[lie][1], killed=killed, lie_s=lie_s)
