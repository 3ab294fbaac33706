"""The trace that a record belongs to: one Kafka header, `traceparent`, as W3C Trace Context writes it.

Nobody signs a header, so a trace is for people who look and for nothing else: no core sees it, and one that is malformed is as good
as none.
"""

import re
from collections.abc import Iterable
from typing import Final

HEADER: Final = "traceparent"

NO_TRACE: Final = ""
"""A record that belongs to no trace."""

_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def known(trace: str) -> str:
    """A trace as it was told, or `NO_TRACE` if it is not of version 00 of the standard's form."""
    return trace if _FORM.fullmatch(trace) else NO_TRACE


def from_headers(headers: Iterable[tuple[str, bytes | None]]) -> str:
    """The trace that a record's headers tell of; `NO_TRACE` if none or more than one does. Never raises."""
    told = [value for name, value in headers if name == HEADER]
    return known((told[0] or b"").decode("ascii", "replace")) if len(told) == 1 else NO_TRACE


def to_headers(trace: str) -> list[tuple[str, bytes]]:
    """The headers of a record that belongs to a trace."""
    return [(HEADER, trace.encode())] if known(trace) else []
