from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchBuilderPy

from interlock.runtime.kafka_records import read_despite_headers

GZIP = 1
NO_TEXT = b"\xff\xfe"


class Name(str):
    """A header's name that goes on the wire as other bytes."""

    __slots__ = ()

    def encode(self, *_):
        return NO_TEXT


def batch(*headers, base_offset=0, compression=0):
    """One batch with a record for each list of headers, as a broker sends it."""
    builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, 0, 1_000_000)
    for number, told in enumerate(headers):
        builder.append(number, 1_000 + number, b"key", b"%d" % number, told)
    encoded = builder.build()
    encoded[:8] = base_offset.to_bytes(8, "big")  # what a broker sets; the checksum does not cover it
    return bytes(encoded)


def read(encoded):
    read_despite_headers()
    records = fetcher.MemoryRecords(encoded)
    while records.has_next():
        told = records.next_batch()
        assert told.validate_crc()
        yield from ((each.offset, each.timestamp, each.key, each.value, list(each.headers)) for each in told)


def test_a_header_whose_name_is_no_text_costs_a_record_its_headers_and_nothing_else():
    encoded = batch([("a", b"x")], [(Name("?"), b"x"), ("b", None)], [], base_offset=7)
    assert list(read(encoded)) == [
        (7, 1_000, b"key", b"0", [("a", b"x")]),
        (8, 1_001, b"key", b"1", []),
        (9, 1_002, b"key", b"2", []),
    ]


def test_what_follows_in_other_batches_is_read_as_ever():
    encoded = batch([(Name("?"), b"x")]) + batch([("a", b"x")], base_offset=1)
    assert [(offset, headers) for offset, _, _, _, headers in read(encoded)] == [(0, []), (1, [("a", b"x")])]


def test_a_compressed_batch_is_read_again_too():
    encoded = batch([], [(Name("?"), b"x")], compression=GZIP)
    assert [value for _, _, _, value, _ in read(encoded)] == [b"0", b"1"]


def test_a_batch_that_can_be_read_is_read_by_the_fast_reader():
    told = fetcher.MemoryRecords(batch([]))
    assert isinstance(told.next_batch()._batch, DefaultRecordBatch)
