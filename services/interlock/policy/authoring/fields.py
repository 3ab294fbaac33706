"""The kinds of values in people's documents: each read from text, or refused with the mend.

They are pydantic annotations. Their errors carry the mend with them, for `problems.explain`; and each says of itself in a JSON
schema, for people's editors, what it takes: never less than its validator, and no more where a pattern can tell.
"""

import re
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, WithJsonSchema
from pydantic_core import PydanticCustomError

from interlock.records.models import GUARD_PREFIX
from interlock.records.rules import guard_subject
from interlock.vocabulary.identifiers import is_name, is_scope
from interlock.vocabulary.limits import (
    GUARDS_PER_ROUTE_MAX,
    IDENTIFIER_CHARS_MAX,
    MOMENT_US_MAX,
    SHOWN_CHARS_MAX,
    TEMPLATE_CHARS_MAX,
    TEXT_CHARS_MAX,
)
from interlock.vocabulary.time import FOREVER, Micros, from_datetime, parse_duration

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)%", re.ASCII)
_SECRET = re.compile(r"env:[A-Z_][A-Z0-9_]*")
_MONEY_MAX = 1e9
_FLOOR_MAX = 1e6
_NAME = "[a-z0-9][a-z0-9._@-]*"
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?"
"""A date, or a time with its offset: a time without one is another moment in every place."""

_DURATION = "[0-9]{1,9}(ms|s|m|h|d)"
_NAME_MEND = "Use lower-case letters, digits and . _ @ -, and begin with a letter or digit."


def _written(pattern: str, **bounds: int) -> WithJsonSchema:
    """Text of this form, as a JSON schema says it."""
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$", **bounds})


def only_shown(schema: dict[str, Any]) -> Any:
    """A kind that only a JSON schema sees, in place of what a validator makes of it."""
    return Annotated[Any, WithJsonSchema(schema)]


def repeated(value: object) -> str:
    """A wrong value as it is repeated to whoever wrote it: no more of it than helps to find it."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS_MAX else f"{text[:SHOWN_CHARS_MAX]}…"


def refuse(what: str, mend: str) -> NoReturn:
    """Refuse a value, from inside a validator.

    Raises:
        PydanticCustomError: Always; it bears the mend.
    """
    raise PydanticCustomError("refused", "{what}", {"what": what, "mend": mend})


def _name(text: str) -> str:
    return text if is_name(text) else refuse(f"{repeated(text)} is not a name", _NAME_MEND)


def _model(text: str) -> str:
    if text.startswith(GUARD_PREFIX):
        refuse(
            f"{repeated(text)} could be mistaken for a guard", f"Write a name that does not begin with {GUARD_PREFIX}."
        )
    return text


def _guard(text: str) -> str:
    return (
        text
        if is_name(guard_subject(text))
        else refuse(f"{repeated(text)} is too long a name for a guard", "Shorten it.")
    )


def _scope(text: str) -> str:
    return text if is_scope(text) else refuse(f"{repeated(text)} is not a scope", 'Write "*" for all, or a name.')


def _text(text: str) -> str:
    if not text.strip() or not text.isprintable():
        refuse("the text is empty, or has characters that cannot be shown", "Write one line of plain text.")
    if len(text) > TEXT_CHARS_MAX:
        refuse(f"the text is longer than {TEXT_CHARS_MAX} characters", "Shorten it.")
    return text


def _duration(value: object) -> Micros:
    mend = "Write a whole number and a unit, such as 250ms, 30s, 5m, 2h or 90d."
    if not isinstance(value, str):
        refuse(f"{repeated(value)} is not a duration", mend)
    try:
        return parse_duration(value)
    except ValueError as error:
        return refuse(str(error).partition(";")[0].replace(repr(value), repeated(value)), mend)


def _positive(duration: Micros) -> Micros:
    return duration if duration > 0 else refuse("a duration of zero", "Write a duration above zero, such as 30s.")


def _share(value: object) -> float:
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    share = float(match[1]) / 100 if match else 0.0
    return (
        share
        if 0 < share < 1
        else refuse(f"{repeated(value)} is not a share of calls", "Write a percentage, such as 20%.")
    )


def _percent(value: object) -> int:
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    whole_one = match is not None and match[1].isdecimal() and 0 < int(match[1]) < 100
    return int(match[1]) if match and whole_one else refuse(f"{repeated(value)} is not a weight", "Write 1% to 99%.")


def _floor(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _FLOOR_MAX:
        return refuse(f"{repeated(value)} is not a floor", "Write the least value that is good enough, such as 0.8.")
    return float(value)


def _moment(value: object) -> Micros:
    written = value if isinstance(value, str) and re.fullmatch(_MOMENT, value) else ""
    try:
        moment = from_datetime(datetime.fromisoformat(written))
    except ValueError:
        moment = Micros(-1)
    if not 0 <= moment <= MOMENT_US_MAX:
        refuse(
            f"{repeated(value)} is not a date",
            "Write a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z.",
        )
    return moment


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        right = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if (
        not right
        or "@" in parts.netloc
        or parts.fragment
        or not text.isascii()
        or not text.isprintable()
        or " " in text
    ):
        refuse(f"{repeated(text)} is not an address", "Write https://host/path, without user, password or fragment.")
    return text


def _secret_reference(text: str) -> str:
    if _SECRET.fullmatch(text) is None:  # never repeat the text: it may be the secret itself
        refuse(
            "it does not say where the secret is",
            "Write env: and the name of an environment variable, never the secret.",
        )
    return text


def _passage(text: str) -> str:
    if not text.strip() or not all(line.isprintable() for line in text.splitlines()):
        refuse("the text is empty, or has characters that cannot be shown", "Write lines of plain text.")
    if len(text) > TEMPLATE_CHARS_MAX:
        refuse(f"the text is longer than {TEMPLATE_CHARS_MAX} characters", "Shorten it.")
    return text


def _money(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return refuse(
            f"{repeated(value)} is not an amount of US dollars", "Write a number such as 2.5, without a currency."
        )
    return float(value) if 0 <= value <= _MONEY_MAX else refuse(f"{value} US dollars", "Write 0 or more.")


def _end(value: object) -> Micros:
    return FOREVER if value == "never" else _moment(value)


def whole(least: int, most: int) -> BeforeValidator:
    """Makes of `int` the kind of a whole number within bounds."""

    def check(value: object) -> int:
        if type(value) is int and least <= value <= most:
            return value
        return refuse(f"{repeated(value)} is not a whole number from {least} to {most}", "Write one, without quotes.")

    return BeforeValidator(
        check, json_schema_input_type=only_shown({"type": "integer", "minimum": least, "maximum": most})
    )


def one_of(*members: StrEnum) -> BeforeValidator:
    """Makes of an enumeration the kind of a word out of these members."""
    words = {str(member): member for member in members}

    def check(value: object) -> StrEnum:
        if isinstance(value, str) and value in words:
            return words[value]
        return refuse(f"{repeated(value)} is not known here", f"Write one of: {', '.join(words)}.")

    return BeforeValidator(check, json_schema_input_type=only_shown({"type": "string", "enum": list(words)}))


def _distinct(texts: tuple[str, ...]) -> tuple[str, ...]:
    twice = [text for text in texts if texts.count(text) > 1]
    return refuse(f"{repeated(twice[0])} is listed twice", "Keep one of them.") if twice else tuple(sorted(texts))


Name = Annotated[StrictStr, AfterValidator(_name), _written(_NAME, maxLength=IDENTIFIER_CHARS_MAX)]
"""An identifier, as in `interlock.vocabulary.identifiers`."""

ModelName = Annotated[
    Name, AfterValidator(_model), _written(f"(?!{GUARD_PREFIX}){_NAME}", maxLength=IDENTIFIER_CHARS_MAX)
]
"""The name of a model."""

GuardName = Annotated[Name, AfterValidator(_guard), _written(_NAME, maxLength=IDENTIFIER_CHARS_MAX - len(GUARD_PREFIX))]
"""The name of a guard."""

Scope = Annotated[StrictStr, AfterValidator(_scope), _written(rf"\*|{_NAME}", maxLength=IDENTIFIER_CHARS_MAX)]
"""A name, or `*` for all."""

Text = Annotated[
    StrictStr,
    AfterValidator(_text),
    _written(r"[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*", maxLength=TEXT_CHARS_MAX),
]
"""One line of free text, `TEXT_CHARS_MAX` at most: it is shown in notices."""

Duration = Annotated[Micros, BeforeValidator(_duration), _written(_DURATION)]
"""`30s`; in the program, microseconds, 0 or more."""

PositiveDuration = Annotated[Duration, AfterValidator(_positive), _written(f"(?=[0-9]*[1-9]){_DURATION}")]
"""A duration above zero."""

Share = Annotated[float, BeforeValidator(_share), _written(r"(?=[0-9.]*[1-9])0?[0-9]{1,2}(\.[0-9]{1,3})?%")]
"""`20%`; in the program, 0.2. Above 0 and below 1."""

Money = Annotated[
    float, BeforeValidator(_money), WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MONEY_MAX})
]
"""US dollars, 0 or more."""

Passage = Annotated[
    StrictStr,
    AfterValidator(_passage),
    WithJsonSchema({"type": "string", "pattern": r"[^\x00-\x20\x7f]", "maxLength": TEMPLATE_CHARS_MAX}),
]
"""Lines of text, `TEMPLATE_CHARS_MAX` in all: a reply."""

End = Annotated[Micros, BeforeValidator(_end), _written(f"never|{_MOMENT}")]
"""A moment, or `never`."""

Percent = Annotated[int, BeforeValidator(_percent), _written("(0{0,2}[1-9]|0?[1-9][0-9])%")]
"""`5%`; in the program, 5. A whole number from 1 to 99."""

Floor = Annotated[
    float, BeforeValidator(_floor), WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": _FLOOR_MAX})
]
"""The least value of a metric that is good enough, on the metric's own scale; above 0."""

Moment = Annotated[Micros, BeforeValidator(_moment), _written(_MOMENT)]
"""A date (its first moment, UTC) or an RFC 3339 time; in the program, microseconds since the epoch."""

Url = Annotated[
    StrictStr,
    AfterValidator(_url),
    _written(r"[Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\x7f-\uffff/?#@]+([/?][^\x00-\x20\x7f-\uffff#]*)?"),
]
"""An address that Interlock calls."""

SecretReference = Annotated[StrictStr, AfterValidator(_secret_reference), _written(_SECRET.pattern)]
"""Where a secret is, `env:NAME`; never the secret."""

Names = Annotated[
    tuple[Text, ...], AfterValidator(_distinct), Field(max_length=100, json_schema_extra={"uniqueItems": True})
]
"""A set of short texts; sorted, none twice."""

Guards = Annotated[
    tuple[GuardName, ...],
    AfterValidator(_distinct),
    Field(max_length=GUARDS_PER_ROUTE_MAX, json_schema_extra={"uniqueItems": True}),
]
"""Names of guards; sorted, none twice."""
