import pytest

from interlock.runtime.placement import partition_of, partitions_in_use, place
from interlock.vocabulary.errors import ConfigurationError, InvariantError
from interlock.vocabulary.limits import RECORD_BYTES_MAX
from interlock.wire.topics import AUDIT, POLICIES


@pytest.mark.parametrize(("key", "partition"), [("agent-a/main/*", 2), ("agent-b/main/*", 3), ("model-1", 0), ("0", 0)])
def test_a_key_is_placed_as_librdkafkas_murmur2_places_it(key, partition):
    assert partition_of(key.encode(), 4) == partition


def test_a_topic_of_the_table_has_the_tables_partitions_even_where_the_broker_made_more():
    assert partitions_in_use(POLICIES.name, 4) == 1


def test_a_topic_of_the_table_with_too_few_partitions_is_the_operators_to_mend():
    with pytest.raises(ConfigurationError, match="has 3 partitions on the broker and 4"):
        partitions_in_use(AUDIT.name, 3)


@pytest.mark.parametrize("topic", [AUDIT.name, "somebody.elses"])
def test_a_missing_topic_is_the_operators_to_mend(topic):
    with pytest.raises(ConfigurationError, match="interlock kafka topics"):
        partitions_in_use(topic, 0)


def test_another_topic_has_what_the_broker_has():
    assert partitions_in_use("somebody.elses", 7) == 7


def test_the_only_partition_is_chosen_without_being_named():
    assert place(POLICIES.name, "root/1", b"", partition=None, partitions=1) == 0


@pytest.mark.parametrize("partition", [-1, 4])
def test_a_partition_that_is_not_there_is_refused(partition):
    with pytest.raises(InvariantError, match="which has 4"):
        place(AUDIT.name, "0", b"", partition=partition, partitions=4)


def test_a_record_without_a_key_is_refused():
    with pytest.raises(InvariantError, match="no key"):
        place(AUDIT.name, "", b"", partition=0, partitions=4)


def test_a_record_larger_than_its_topic_takes_is_refused():
    with pytest.raises(InvariantError, match="larger than a topic takes"):
        place(AUDIT.name, "0", bytes(RECORD_BYTES_MAX), partition=0, partitions=4)
