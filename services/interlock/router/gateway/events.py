"""Server-sent events, cut from a stream of bytes without changing any of them.

Events end at an empty line. Bytes are handed on exactly as they came, event by event, so that each can be looked at before it is
forwarded. The format is the WHATWG's (HTML standard, section 9.2); only its `data` field matters here.
"""

import re

EVENT_BYTES_MAX = 1_048_576
"""A longer event is not a piece of a chat completion."""

DONE = b"[DONE]"
"""The data of the event that ends an OpenAI stream."""

_BOM = b"\xef\xbb\xbf"
"""May begin a stream, and readers drop it."""

_END_BYTES_MAX = 4
"""The longest end of an event, `\\r\\n\\r\\n`: so much of what was looked at may be the beginning of one."""

_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
"""Two line ends; the groups are atomic, so that one `\\r\\n` is never taken for two."""


class EventCutter:
    """Gives whole events for the bytes that came so far, and looks at each byte once or twice, however they are cut."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._seen = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take more bytes; every event that is whole now, its empty line included.

        Raises:
            ValueError: An event is longer than `EVENT_BYTES_MAX`.
        """
        self._rest += data
        events, begin, look = [], 0, self._seen
        while (end := _END.search(self._rest, look)) is not None:
            events.append(bytes(self._rest[begin : end.end()]))
            begin = look = end.end()
        del self._rest[:begin]
        self._seen = max(len(self._rest) - _END_BYTES_MAX + 1, 0)
        if len(self._rest) > EVENT_BYTES_MAX:
            raise ValueError("an event has no end")
        return events


def data_of(event: bytes) -> bytes:
    """The data of an event, its lines joined; empty for a comment or keep-alive."""
    lines = re.split(rb"\r\n|\n|\r", event.removeprefix(_BOM))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))
