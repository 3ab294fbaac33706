import pytest

from interlock.router.gateway.events import EVENT_BYTES_MAX, EventCutter, data_of


def cut(*chunks: bytes) -> list[bytes]:
    cutter = EventCutter()
    return [event for chunk in chunks for event in cutter.feed(chunk)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_end_at_an_empty_line_of_any_kind(end: bytes) -> None:
    first, second = b"data: 1" + end + end, b"event: x" + end + b"data: 2" + end + end

    assert cut(first + second) == [first, second]


def test_mixed_line_ends_hide_no_event() -> None:
    assert cut(b"data: 1\n\r\ndata: 2\r\n\n") == [b"data: 1\n\r\n", b"data: 2\r\n\n"]


def test_nothing_is_lost_or_changed_however_the_bytes_are_cut() -> None:
    stream = b"data: 1\n\n: ping\n\ndata: {\n\ndata: 3\n\n"

    assert b"".join(cut(*(stream[place : place + 1] for place in range(len(stream))))) == stream


def test_what_has_no_end_yet_is_kept() -> None:
    assert cut(b"data: 1\n") == []
    assert cut(b"data: 1\n", b"\n") == [b"data: 1\n\n"]


def test_an_event_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="no end"):
        cut(b"x" * (EVENT_BYTES_MAX + 1))


def test_the_data_of_an_event_is_its_data_lines_joined() -> None:
    assert data_of(b"event: x\ndata: a\ndata:b\nid: 1\n\n") == b"a\nb"
    assert data_of(b": ping\n\n") == b""


def test_a_byte_order_mark_hides_no_data() -> None:
    assert data_of(b"\xef\xbb\xbfdata: a\n\n") == b"a"
