"""The topics on a broker, against the table: what is missing or differs, and making it so.

What differs in configuration can be mended in place. A number of partitions cannot: keys would move, and the
shards of the log with them; that is reported. Not for the embedded broker, which has no administration and
makes its topics itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it has no __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from interlock.brokers.waiting import wait_for
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.topics import TOPICS, TopicSpec, config

_TIMEOUT_S = 15.0
_BROKERS_DEFAULT = -1
"""As many replicas as the broker's `default.replication.factor` says: one in development, three in production."""


@dataclass(frozen=True, slots=True)
class TopicProblem:
    """One difference between the table and the broker.

    Attributes:
        topic: The topic's name.
        kind: What differs.
        message: What differs, one sentence.
        mend: What to do about it, one sentence.
    """

    topic: str
    kind: Literal["missing", "partitions", "configuration"]
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class TopicChanges:
    """What `create_topics` did.

    Attributes:
        created: The topics that it made.
        configured: The topics whose configuration it changed.
        problems: What is left for a person to do.
    """

    created: tuple[str, ...]
    configured: tuple[str, ...]
    problems: tuple[TopicProblem, ...]


@dataclass(frozen=True, slots=True)
class Replication:
    """On how many brokers a topic is.

    Attributes:
        topic: The topic's name.
        partitions: How many it has.
        replicas: On how many brokers each partition shall be, at least.
        in_sync: On how many each is now, with all of its records, at least; 0: a partition has no leader.
    """

    topic: str
    partitions: int
    replicas: int
    in_sync: int


def replication(bootstrap: str, specs: Sequence[TopicSpec] = TOPICS) -> list[Replication]:
    """On how many brokers each topic of the table is; those that are missing are left out.

    Raises:
        InfrastructureError: The broker cannot be reached.
    """
    found = _topics(_admin(bootstrap), bootstrap)
    return [_replication(spec.name, found[spec.name]) for spec in specs if spec.name in found]


def check_topics(bootstrap: str, specs: Sequence[TopicSpec] = TOPICS) -> list[TopicProblem]:
    """Compare the broker's topics with the table.

    Raises:
        InfrastructureError: The broker cannot be reached or refuses the question.
    """
    return _problems(_admin(bootstrap), bootstrap, specs)


def create_topics(bootstrap: str, specs: Sequence[TopicSpec] = TOPICS) -> TopicChanges:
    """Make the topics that are missing, and set what differs in the configuration of the others.

    Raises:
        InfrastructureError: The broker cannot be reached or refuses a change.
    """
    admin = _admin(bootstrap)
    before = _problems(admin, bootstrap, specs)
    missing = [spec for spec in specs if _has(before, spec, "missing")]
    differing = [spec for spec in specs if _has(before, spec, "configuration")]
    if missing:
        _wait(bootstrap, admin.create_topics([_new(spec) for spec in missing]).values())
    if differing:
        _wait(bootstrap, admin.incremental_alter_configs([_wanted(spec) for spec in differing]).values())

    left: list[TopicProblem] = []

    def is_told() -> bool:
        """A broker hears of changes a little later than it is told to make them, and each at a time of its own."""
        left[:] = _problems(admin, bootstrap, specs)
        return all(problem.kind == "partitions" for problem in left)

    wait_for(is_told, _TIMEOUT_S)
    return TopicChanges(
        created=tuple(spec.name for spec in missing),
        configured=tuple(spec.name for spec in differing),
        problems=tuple(left),
    )


def _problems(admin: AdminClient, bootstrap: str, specs: Sequence[TopicSpec]) -> list[TopicProblem]:
    found = {name: len(topic.partitions) for name, topic in _topics(admin, bootstrap).items()}
    actual = _described(admin, bootstrap, [spec.name for spec in specs if spec.name in found])
    problems: list[TopicProblem] = []
    for spec in specs:
        if spec.name not in actual:
            problems.append(_missing(spec))
            continue
        if found[spec.name] != spec.partitions:
            problems.append(_partitions(spec, found[spec.name]))
        values = {name: actual[spec.name][name].value for name in config(spec)}
        if values != config(spec):
            problems.append(_configuration(spec, values))
    return problems


def _described(admin: AdminClient, bootstrap: str, names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """The configuration of topics, by name; those of which another broker has not heard yet are left out."""
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    asked = admin.describe_configs(resources) if resources else {}
    described: dict[str, Mapping[str, Any]] = {}
    for name, future in zip(names, asked.values(), strict=True):
        try:
            described[name] = future.result(timeout=_TIMEOUT_S)
        except (KafkaException, TimeoutError) as error:
            if not _is_unknown(error):
                raise _failure(bootstrap, error) from error
    return described


def _is_unknown(error: Exception) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def _topics(admin: AdminClient, bootstrap: str) -> Mapping[str, Any]:
    """The broker's topics, by name."""
    try:
        topics: Mapping[str, Any] = admin.list_topics(timeout=_TIMEOUT_S).topics
    except KafkaException as error:
        raise _failure(bootstrap, error) from error
    return topics


def _replication(name: str, topic: Any) -> Replication:
    partitions = list(topic.partitions.values())
    in_sync = (len(each.isrs) if each.leader >= 0 else 0 for each in partitions)
    return Replication(name, len(partitions), min(len(each.replicas) for each in partitions), min(in_sync))


def _missing(spec: TopicSpec) -> TopicProblem:
    message = f"The broker has no topic {spec.name!r}."
    return TopicProblem(spec.name, "missing", message, "Create it: `interlock kafka topics`.")


def _partitions(spec: TopicSpec, found: int) -> TopicProblem:
    return TopicProblem(
        spec.name,
        "partitions",
        f"The topic {spec.name!r} has {found} partitions, the table says {spec.partitions}.",
        "Copy what is needed, delete the topic and create it again: the number cannot be changed under its records.",
    )


def _configuration(spec: TopicSpec, values: dict[str, str]) -> TopicProblem:
    differing = ", ".join(
        f"{name} is {values[name]} and should be {wanted}"
        for name, wanted in config(spec).items()
        if values[name] != wanted
    )
    message = f"The topic {spec.name!r} is configured differently: {differing}."
    return TopicProblem(spec.name, "configuration", message, "Set it: `interlock kafka topics`.")


def _has(problems: Iterable[TopicProblem], spec: TopicSpec, kind: str) -> bool:
    return any(problem.topic == spec.name and problem.kind == kind for problem in problems)


def _new(spec: TopicSpec) -> NewTopic:
    return NewTopic(spec.name, num_partitions=spec.partitions, replication_factor=_BROKERS_DEFAULT, config=config(spec))


def _wanted(spec: TopicSpec) -> ConfigResource:
    """Set ours and leave the rest: the older call of Kafka resets whatever it is not told."""
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in config(spec).items()
    ]
    return ConfigResource(ResourceType.TOPIC, spec.name, incremental_configs=entries)


def _wait(bootstrap: str, futures: Iterable["Future[Any]"]) -> list[Any]:
    try:
        return [future.result(timeout=_TIMEOUT_S) for future in futures]
    except (KafkaException, TimeoutError) as error:
        raise _failure(bootstrap, error) from error


def _failure(bootstrap: str, error: Exception) -> InfrastructureError:
    return InfrastructureError(
        f"The topics at {bootstrap} could not be looked at or changed: {error or type(error).__name__}.",
        "Check that the broker runs there and that you may administer its topics.",
    )


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
