"""Logs: one line of JSON for each event, or coloured lines for a person at a terminal; secrets never among them.

Libraries that use `logging` (aiokafka, aiohttp, Faust) come out the same way, from warnings on. Logging is the one
thing that is set up for the whole process: a process that holds several services names it after itself.

A line that cannot be written, on a full disk or to a reader that is gone, is lost; no service may fail for that.
"""

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

REPEATED_AFTER_S = 10.0
"""How soon a library's line is let through again; lines are the same if their text is, before values are put in."""

_SAID_MAX = 1_000
_SECRET_KEYS = frozenset({"key", "private_key", "seed", "cookie", "set_cookie", "credential", "credentials"})
_SECRET_PARTS = ("authorization", "api_key", "apikey", "secret", "token", "password", "passphrase")
_COUNTED = frozenset({"tokens", "token_count", "input_tokens", "output_tokens", "max_tokens"})
"""A model's tokens are numbers that people need to see."""


def configure(service: str, *, level: str = "info", stream: TextIO | None = None) -> None:
    """Set up logging for this process.

    Args:
        service: Named in every line.
        level: The least severe level of our own lines: `debug`, `info`, `warning` or `error`.
        stream: Where to write; standard error by default.
    """
    stream = stream or sys.stderr
    least = getattr(logging, level.upper())
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _Named(service),
        redact,
    ]
    structlog.configure(
        processors=[*steps, *_rendering(stream)],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Forgiving(stream))),
        cache_logger_on_first_use=False,  # module-level loggers follow when a test configures anew
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *steps],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(stream)],
        )
    )
    handler.addFilter(_Damped())
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blot out every value whose key looks like a secret's, at any depth."""
    return {key: _shown(key, value) for key, value in event.items()}


def _shown(key: object, value: object) -> object:
    if _is_secret(str(key)):
        return REDACTED
    if isinstance(value, Mapping):
        return {inner: _shown(inner, item) for inner, item in value.items()}
    if type(value) in (list, tuple):
        return [_shown(None, item) for item in value]  # type: ignore[attr-defined]  # just checked
    return value


def _is_secret(key: str) -> bool:
    plain = key.lower().replace("-", "_")
    return plain not in _COUNTED and (plain in _SECRET_KEYS or any(part in plain for part in _SECRET_PARTS))


def _rendering(stream: TextIO) -> list[Processor]:
    if stream.isatty():
        return [structlog.dev.ConsoleRenderer(colors=True)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=False, default=str)]


class _Forgiving:
    """A stream that loses what it cannot write. The handlers of `logging` do so by themselves."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Named:
    """Puts the service's name into every line."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", self._service)
        return event


class _Damped(logging.Filter):
    """Lets a library say the same thing once in a while: a Kafka client without its broker says it hundreds of times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        said = (record.name, str(record.msg))
        if record.created - self._said.get(said, 0.0) < REPEATED_AFTER_S:
            return False
        if len(self._said) >= _SAID_MAX:
            self._said.clear()
        self._said[said] = record.created
        return True
