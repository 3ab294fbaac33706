import struct

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchBuilderPy

from interlock.runtime.kafka_records import is_marker, read_whatever_comes
from interlock.testing.hostile import batches as written
from interlock.testing.hostile.batches import Entry

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


def read(encoded, *, checked=True):
    read_whatever_comes()
    records = fetcher.MemoryRecords(encoded)
    while records.has_next():
        told = records.next_batch()
        assert not checked or told.validate_crc()
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


@pytest.mark.parametrize("offsets", [(0, 2**30, 2), (0, 1, 2**30), (2, 1, 0), (0, 0, 0), (-5, 0, 1)])
def test_an_offset_is_held_to_its_place_in_the_batch(offsets):
    encoded = written.batch(*(Entry(offset=each) for each in offsets), base_offset=7)
    assert [offset for offset, *_ in read(encoded)] == [7, 8, 9]


def test_a_batch_that_was_compacted_keeps_its_holes():
    encoded = bytearray(written.batch(Entry(offset=1), Entry(offset=4), base_offset=7))
    encoded[23:27] = struct.pack(">i", 5)  # its last offset, which stays when the record goes
    assert [offset for offset, *_ in read(bytes(encoded), checked=False)] == [8, 11]


@pytest.mark.parametrize("odd", [{"attributes": 0x80}, {"attributes": 0xFF}, {"long_lengths": True}])
def test_what_aiokafka_reads_otherwise_than_a_broker_is_read_as_the_broker_does(odd):
    encoded = written.batch(Entry(value=b"plain"), Entry(value=b"odd", **odd), Entry(value=b"after"))
    assert [(offset, key, value) for offset, _, key, value, _ in read(encoded)] == [
        (0, b"key", b"plain"),
        (1, b"key", b"odd"),
        (2, b"key", b"after"),
    ]


def test_the_end_of_a_transaction_is_told_of_and_no_writer_can_pretend_one():
    encoded = bytearray(batch([], base_offset=5))
    encoded[22] = 0x30  # transactional, control
    ((offset, _, key, _, _),) = read(bytes(encoded), checked=False)
    assert offset == 5
    assert is_marker(key)
    assert not is_marker(bytes(bytearray(key)))
    assert not any(is_marker(key) for _, _, key, _, _ in read(written.batch(Entry())))
