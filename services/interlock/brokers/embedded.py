"""The embedded broker: librdkafka's in-process cluster, for a first look without Java.

It lives in the process that starts it and speaks the real Kafka protocol to any other over loopback, so the
services run on it as they are. It is not Kafka; `LACKS` says in what.

    with EmbeddedBroker() as broker:
        bus = KafkaBus(broker.bootstrap, fetch_max_wait_ms=FETCH_MAX_WAIT_MS)

confluent-kafka has no Python words for this cluster, so its C functions, which are exported and documented in
librdkafka's `rdkafka_mock.h`, are called directly.
"""

import ctypes
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Self

from confluent_kafka import cimpl

from interlock.vocabulary.errors import ConfigurationError, InvariantError
from interlock.wire.topics import TOPICS

FETCH_MAX_WAIT_MS = 20
"""What a bus on this broker should have: a fetch that finds nothing is not woken by a record, it waits its time out."""

LACKS: Mapping[str, str] = MappingProxyType(
    {
        "persistence": "Records live in memory: they are gone with the process.",
        "retention": "Each partition keeps some 5 MiB; then the oldest records vanish without a word.",
        "compaction": "Compacted topics keep every record, until they vanish.",
        "topic_administration": "Topics cannot be created or configured; whoever asks for one by name makes it.",
        "missing_topics": "No topic is ever missing: it comes into being, with four partitions, when it is named.",
        "size_limit": "Records of any size are taken, where Kafka refuses what is over `max.message.bytes`.",
        "shared_groups": "A second member of a group is not joined reliably: one instance of a service for each group.",
        "transactions": "Aborted and open transactions are visible to everybody.",
        "broker_time": "The time of a record is its writer's, on every topic.",
        "access_control": "There is none, and no encryption.",
    }
)
"""What Kafka has and this broker has not, by name, with the consequence. The conformance suite leaves out what needs these."""

_PRODUCER = 0
_BROKERS = 1
_ERROR_BYTES = 512


class EmbeddedBroker:
    """A broker in this process, with the topics of the table.

    Args:
        topics: Further topics beside those of the table: name to number of partitions.
    """

    def __init__(self, topics: Mapping[str, int] | None = None) -> None:
        self._topics = {spec.name: spec.partitions for spec in TOPICS} | dict(topics or {})
        self._lib = _librdkafka()
        self._client: int | None = None
        self._cluster: int | None = None

    @property
    def bootstrap(self) -> str:
        """Where it listens, `127.0.0.1:port`.

        Raises:
            InvariantError: It does not run.
        """
        if self._cluster is None:
            raise InvariantError("The embedded broker does not run.", "Start it first.")
        return str(self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode())

    def start(self) -> Self:
        """Start it, in some milliseconds, and make its topics.

        Raises:
            ConfigurationError: This build of confluent-kafka cannot do it.
        """
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        settings = self._lib.rd_kafka_conf_new()
        self._lib.rd_kafka_conf_set(settings, b"log_level", b"0", error, _ERROR_BYTES)
        self._client = self._lib.rd_kafka_new(_PRODUCER, settings, error, _ERROR_BYTES)
        self._cluster = self._lib.rd_kafka_mock_cluster_new(self._client, _BROKERS) if self._client else None
        if self._cluster is None:
            raise ConfigurationError(
                f"The embedded broker did not start: {error.value.decode() or 'no reason was given'}.",
                "Set KAFKA_BOOTSTRAP_SERVERS to use a real broker.",
            )
        # By default the first member of a group waits 3 s for others.
        self._lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        for name, partitions in self._topics.items():
            self._lib.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, _BROKERS)
        return self

    def stop(self) -> None:
        """Stop it, with all it holds. May be called twice."""
        if self._cluster is not None:
            self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        if self._client is not None:
            self._lib.rd_kafka_destroy(self._client)
        self._client = self._cluster = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _librdkafka() -> ctypes.CDLL:
    """The C library under confluent-kafka, with the types of the functions used here.

    Raises:
        ConfigurationError: It does not export them.
    """
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    lib = ctypes.CDLL(cimpl.__file__)
    try:
        for name, result, arguments in (
            ("rd_kafka_conf_new", pointer, []),
            ("rd_kafka_conf_set", number, [pointer, text, text, text, ctypes.c_size_t]),
            ("rd_kafka_new", pointer, [number, pointer, text, ctypes.c_size_t]),
            ("rd_kafka_destroy", None, [pointer]),
            ("rd_kafka_mock_cluster_new", pointer, [pointer, number]),
            ("rd_kafka_mock_cluster_destroy", None, [pointer]),
            ("rd_kafka_mock_cluster_bootstraps", text, [pointer]),
            ("rd_kafka_mock_topic_create", number, [pointer, text, number, number]),
            ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [pointer, ctypes.c_int32]),
        ):
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise ConfigurationError(
            f"This build of confluent-kafka has no embedded broker: {error}.",
            "Install it from its wheel, or set KAFKA_BOOTSTRAP_SERVERS to use a real broker.",
        ) from error
    return lib
