"""Which broker coordinates a consumer group: the one whose death its members feel."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from interlock.vocabulary.errors import InfrastructureError

_TIMEOUT_S = 15.0


def coordinator(bootstrap: str, group: str) -> int:
    """The node that coordinates a group.

    Raises:
        InfrastructureError: The brokers cannot be reached, or do not say.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    asked = admin.describe_consumer_groups([group], request_timeout=_TIMEOUT_S)
    try:
        return int(asked[group].result(_TIMEOUT_S).coordinator.id)
    except (KafkaException, TimeoutError) as error:
        raise InfrastructureError(
            f"Nobody at {bootstrap} says who coordinates {group!r}: {error}.", "See that the brokers run."
        ) from error
