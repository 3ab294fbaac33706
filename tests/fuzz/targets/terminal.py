"""What agents sent, where the command line shows it to a person."""

from fuzz.shapes import vary_json
from fuzz.target import Target, broken
from interlock.cli.tickets import _line, _request


def _ticket(data: bytes) -> None:
    """The request in a ticket: it is shown, and no terminal is told to do anything."""
    told = {"at": "", "id": "", "route": "", "bytes": len(data), "router": "", "request": _request(data)}
    shown = _line(told)
    shown.encode()
    if not shown.replace("\n", "").isprintable():
        raise broken("a terminal is told to do something")


TARGETS = (
    Target(
        "ticket",
        _ticket,
        lambda: [b'{"messages": [{"role": "user", "content": "hi"}]}', b"no JSON \x1b[2J", b"[" * 90 + b"]" * 90],
        vary_json,
        tokens=(b"\\u001b", b"\\ud800", b"\x1b[", b"[" * 90, b"]" * 90, b'"\\n"'),
    ),
)
