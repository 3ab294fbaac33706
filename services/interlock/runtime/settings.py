"""Settings: one TOML file per service, overridden from the environment, read once in `__main__`.

- `INTERLOCK_<FIELD>` overrides a key of the file, `INTERLOCK_<TABLE>__<FIELD>` one in a table; every path in the
  settings, wherever it comes from, is relative to the file's directory.
- `KAFKA_BOOTSTRAP_SERVERS` overrides `bootstrap`, and `INTERLOCK_BOOTSTRAP` overrides both.
- Unknown keys are refused: a misspelt setting that silently does nothing is how analyses were switched off elsewhere.
- No secret is ever in a file: the file says where it is (`env:ATLAS_KEY`), and `secret` fetches it.

Constructing settings in Python reads nothing but the arguments; only `load` looks at files and the environment.
"""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from interlock.runtime.fields import Address, Collector, Duration, Listen, Name, SecretReference, Servers, secret
from interlock.vocabulary.errors import ConfigurationError

__all__ = [
    "Address",
    "Collector",
    "Duration",
    "Listen",
    "Name",
    "SecretReference",
    "Servers",
    "ServiceSettings",
    "secret",
]

_PREFIX = "INTERLOCK_"
_KAFKA_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
_Model = TypeVar("_Model", bound=BaseModel)


class ServiceSettings(BaseSettings):
    """What every service must know; each service's own settings add to it.

    Attributes:
        bootstrap: Kafka bootstrap servers, `host:port`, separated by commas.
        deployment: The deployment's name: the audience of every record it signs or believes.
        trust_root: The file of the first trust root, handed over by people, that all trust starts from.
        key: The file with this service's private key; None for a service that signs nothing.
        listen: Where health and metrics are served.
        log_level: The least severe level that is logged.
        fetch_wait_ms: How long the broker may hold a fetch that finds nothing; less is quicker on the embedded broker.
        traces: Where spans are collected, `http://127.0.0.1:4318/v1/traces` (OTLP over HTTP). None: nobody collects them.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        validate_default=False,  # defaults are the program's own values, not text that a person wrote
    )

    bootstrap: Servers
    deployment: Name
    trust_root: Path
    key: Path | None = None
    listen: Listen = Address("127.0.0.1", 0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    fetch_wait_ms: int = Field(default=100, ge=1, le=5_000)
    traces: Collector | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take nothing but the arguments: `load` brings in the file and the environment, in the open."""
        return (init_settings,)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the settings of a service.

        Args:
            path: Its TOML file.

        Raises:
            ConfigurationError: The file cannot be read, or a value in it or in the environment will not do. The error
                names the file, the key and the mend.
        """
        from_file = _document(path)
        from_environment = _environment(cls)
        try:
            settings = cls(**_merged(from_file, from_environment))
        except ValidationError as error:
            raise _refusal(cls, path, from_environment, error) from None
        return _anchored(settings, path.parent)


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:  # not TOML, not UTF-8, or a number with more digits than Python reads
        raise ConfigurationError(f"{path} is not TOML: {error}.", "Mend that line.") from None
    except RecursionError:
        raise ConfigurationError(f"{path} is not TOML: it is nested too deeply.", "Write it flatter.") from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.",
            "Name the service's settings file; `interlock init DIR` writes one for every service.",
        ) from None


def _environment(settings_class: type[ServiceSettings]) -> dict[str, Any]:
    try:
        found = EnvSettingsSource(settings_class)()
    except SettingsError as error:
        raise ConfigurationError(f"The environment cannot be read: {error}.", "Write that variable as JSON.") from None
    servers = os.environ.get(_KAFKA_VARIABLE)
    return {"bootstrap": servers, **found} if servers else found


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one document over another, table by table."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both_tables = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(under, value) if both_tables else value  # type: ignore[arg-type]  # just checked
    return merged


def _anchored(model: _Model, directory: Path) -> _Model:
    """Make every path in the settings relative to the directory; an absolute one stays as it is."""
    values = {name: getattr(model, name) for name in type(model).model_fields}
    return model.model_copy(update={name: _anchored_value(value, directory) for name, value in values.items()})


def _anchored_value(value: Any, directory: Path) -> Any:
    if isinstance(value, Path):
        return directory / value
    if isinstance(value, BaseModel):
        return _anchored(value, directory)
    if isinstance(value, dict):
        return {key: _anchored_value(item, directory) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_anchored_value(item, directory) for item in value)
    return value


def _refusal(
    settings_class: type[ServiceSettings], path: Path, environment: Mapping[str, Any], error: ValidationError
) -> ConfigurationError:
    """Say for every wrong value where it is, what is wrong and what to do."""
    told = [_told(settings_class, path, environment, detail) for detail in error.errors(include_input=False)]
    return ConfigurationError("\n".join(message for message, _ in told), "\n".join(mend for _, mend in told))


def _told(
    settings_class: type[ServiceSettings], path: Path, environment: Mapping[str, Any], detail: ErrorDetails
) -> tuple[str, str]:
    """The message and the mend for one wrong value."""
    key = ".".join(str(part) for part in detail["loc"])
    variable = _variable(environment, detail["loc"])
    place = f"environment variable {variable}" if variable else f"{path}, `{key}`"
    if detail["type"] == "extra_forbidden":
        return f"{place}: no such setting.", _spelling(settings_class, detail["loc"])
    if detail["type"] == "missing":
        return f"{place}: missing.", f"Add `{key}` to {path}."
    what = detail["msg"].removeprefix("Value error, ")
    return f"{place}: {what}.", f"Correct {variable or f'`{key}`'} and start again."


def _variable(environment: Mapping[str, Any], loc: tuple[int | str, ...]) -> str | None:
    """The environment variable that a value came from; None if it came from the file."""
    found: Any = environment
    for part in loc:
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    name = _PREFIX + "__".join(str(part).upper() for part in loc)
    return _KAFKA_VARIABLE if loc == ("bootstrap",) and name not in os.environ else name


def _spelling(settings_class: type[ServiceSettings], loc: tuple[int | str, ...]) -> str:
    known = sorted(settings_class.model_fields) if len(loc) == 1 else []
    near = get_close_matches(str(loc[-1]), known, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return "Remove it" + (f", or use one of: {', '.join(known)}." if known else ", or correct its spelling.")
