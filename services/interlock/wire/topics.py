"""The one table of topics: names, keys, partitions and configuration.

Code, `interlock kafka topics` and the broker's access rules all read this table; a topic that is not in it
does not exist.
Rules: a topic is compacted only if the latest record of a key tells all; what proves something (audit,
policies, notices) is kept for ever, as sizes allow. Not handled here: what is inside the records
(`schemas/`), and who may read.
"""

from dataclasses import dataclass
from typing import Literal

from interlock.vocabulary.limits import RECORD_BYTES_MAX
from interlock.vocabulary.payloads import PayloadType

SHARDS = 4
"""Shards of a deployment by default. Fixed once records exist: shard = SHA-256(agent) mod SHARDS."""

FOR_EVER = -1
"""Kafka's word for no limit, in `retention.ms`."""

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_YEAR_MS = 365 * _DAY_MS


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic.

    Attributes:
        name: Its name on the broker; the version at its end changes with every incompatible change of
            content.
        key: What the key of a record is, one sentence.
        partitions: How many; where records are sharded, the partition is the shard.
        cleanup: Kafka's `cleanup.policy`.
        retention_ms: How long a record is kept at least, in milliseconds, or `FOR_EVER`; a compacted topic
            keeps the last of each key.
        max_message_bytes: The largest batch that the broker takes.
        payloads: The kinds of record that stand here.
        written_by: The roles that may write here: those that may sign these kinds (`signing/roles.py`).
        carries: What is in it, one sentence.
        broker_time: Whether the broker's clock stamps the records, so that a writer cannot choose the time.
    """

    name: str
    key: str
    partitions: int
    cleanup: Literal["delete", "compact"]
    retention_ms: int
    payloads: tuple[PayloadType, ...]
    written_by: tuple[str, ...]
    carries: str
    max_message_bytes: int = RECORD_BYTES_MAX
    broker_time: bool = False


TELEMETRY = TopicSpec(
    name="interlock.telemetry.v1",
    key="The model that was called, or the guard that beats.",
    partitions=4,
    cleanup="delete",
    retention_ms=6 * _HOUR_MS,
    payloads=(PayloadType.TELEMETRY, PayloadType.GUARD_BEAT),
    written_by=("reporter", "probe", "guard"),
    carries="Batches of call outcomes, and the beats of guards.",
    broker_time=True,
)
VERDICTS = TopicSpec(
    name="interlock.verdicts.v1",
    key="Model, scope and objective.",
    partitions=4,
    cleanup="compact",
    retention_ms=FOR_EVER,
    payloads=(PayloadType.VERDICT,),
    written_by=("health",),
    carries="Signed verdicts on the health of a model.",
    broker_time=True,
)
POLICIES = TopicSpec(
    name="interlock.policies.v1",
    key="The document: `root/<n>`, `model/<name>`, `policy/<agent>`, `deny/<id>`.",
    partitions=1,
    cleanup="delete",
    retention_ms=FOR_EVER,
    payloads=(PayloadType.TRUST_ROOT, PayloadType.REGISTRATION, PayloadType.ROUTE_POLICY, PayloadType.DENIAL),
    written_by=("root", "governance", "agent_owner", "safety"),
    carries="Trust roots, registered models, co-signed policies with the evidence they rest on, denials: in one order.",
)
COMMANDS = TopicSpec(
    name="interlock.commands.v1",
    key="The agent, or `*` for a model.",
    partitions=4,
    cleanup="delete",
    retention_ms=30 * _DAY_MS,
    payloads=(PayloadType.COMMAND,),
    written_by=("operator", "agent_owner", "safety", "watch"),
    carries="Signed commands, which choose inside the policy.",
)
AUDIT = TopicSpec(
    name="interlock.audit.v1",
    key="The shard.",
    partitions=SHARDS,
    cleanup="delete",
    retention_ms=FOR_EVER,
    payloads=(PayloadType.AUDIT_RECORD,),
    written_by=("decision",),
    carries="The write-ahead log of decision: every step with its inputs and the signed changes.",
    broker_time=True,
)
ROUTES = TopicSpec(
    name="interlock.routes.v1",
    key="The route, `agent/slot/scope`; the partition is the shard.",
    partitions=SHARDS,
    cleanup="compact",
    retention_ms=FOR_EVER,
    payloads=(PayloadType.ROUTING_CHANGE,),
    written_by=("decision",),
    carries="The current signed change of each route, projected from the audit log.",
)
STATE = TopicSpec(
    name="interlock.state.v1",
    key="The entry, such as `route/<route>`; `shard/<n>` is written last. The partition is the shard.",
    partitions=SHARDS,
    cleanup="compact",
    retention_ms=FOR_EVER,
    payloads=(PayloadType.STATE_RECORD, PayloadType.STATE_MARK),
    written_by=("decision",),
    carries="What decision needs to start again, projected from the audit log.",
)
HEARTBEATS = TopicSpec(
    name="interlock.heartbeats.v1",
    key="The shard; the partition too.",
    partitions=SHARDS,
    cleanup="delete",
    retention_ms=_HOUR_MS,
    payloads=(PayloadType.HEARTBEAT,),
    written_by=("decision",),
    carries="Signed leases, and the heads of policies and routes.",
    broker_time=True,
)
ACKS = TopicSpec(
    name="interlock.acks.v1",
    key="The router.",
    partitions=4,
    cleanup="delete",
    retention_ms=30 * _DAY_MS,
    payloads=(PayloadType.ACKNOWLEDGEMENT,),
    written_by=("router",),
    carries="Signed hello, ACK and NACK of each router.",
)
NOTICES = TopicSpec(
    name="interlock.notices.v1",
    key="The change.",
    partitions=4,
    cleanup="delete",
    retention_ms=FOR_EVER,
    payloads=(PayloadType.NOTICE, PayloadType.BREACH),
    written_by=("notifier", "watch"),
    carries="Attempts and receipts of the notices to people, and the breaches of their deadline.",
)
TICKETS = TopicSpec(
    name="interlock.tickets.v1",
    key="The route.",
    partitions=4,
    cleanup="delete",
    retention_ms=30 * _DAY_MS,
    payloads=(PayloadType.TICKET,),
    written_by=("router",),
    carries="Requests that wait for a person, because their route is in the safe state `human_queue`.",
)
FINDINGS = TopicSpec(
    name="interlock.findings.v1",
    key="The service that found it.",
    partitions=4,
    cleanup="delete",
    retention_ms=5 * _YEAR_MS,
    payloads=(PayloadType.FINDING,),
    written_by=("decision", "health", "reporter", "probe", "router", "notifier", "watch"),
    carries="What was refused (hash, offset, reason, never content) and what a person must look at.",
)

TOPICS: tuple[TopicSpec, ...] = (
    TELEMETRY,
    VERDICTS,
    POLICIES,
    COMMANDS,
    AUDIT,
    ROUTES,
    STATE,
    HEARTBEATS,
    ACKS,
    TICKETS,
    NOTICES,
    FINDINGS,
)

BY_NAME: dict[str, TopicSpec] = {spec.name: spec for spec in TOPICS}


def config(spec: TopicSpec) -> dict[str, str]:
    """The topic's configuration on the broker, as Kafka names and writes it.

    Records stay uncompressed: what a reader allocates is then bounded by `max.message.bytes`, where a
    compressed batch could unfold to a thousand times its size.
    """
    return {
        "cleanup.policy": spec.cleanup,
        "compression.type": "uncompressed",
        "max.message.bytes": str(spec.max_message_bytes),
        "message.timestamp.type": "LogAppendTime" if spec.broker_time else "CreateTime",
        "retention.bytes": "-1",
        "retention.ms": str(spec.retention_ms),
    }
