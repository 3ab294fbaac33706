"""The page of the command line: every command, read from the application itself."""

import inspect
from collections.abc import Iterator
from enum import EnumType
from typing import Any

import typer

from interlock.cli import answer
from interlock.cli.app import app
from interlock.vocabulary.errors import InterlockError
from pages.markdown import codes, table
from pages.source import body, summary


def page() -> str:
    """`interlock …`: its commands, and what their exit codes mean."""
    raised = sorted(InterlockError.__subclasses__(), key=lambda kind: kind.exit_code)
    rows = [(kind.exit_code, f"`{kind.__name__}`", summary(kind)) for kind in raised]
    parts = [body(answer), "What ends a command early:", table(("exit code", "error", "whose it is"), rows)]
    for path, command in _commands("interlock", typer.main.get_command(app)):
        parts += [f"## {path}", inspect.cleandoc(command.help), f"```text\n{_usage(path, command)}\n```"]
        parts += [table(("argument or option", "default", "what it is"), [_row(each) for each in command.params])]
    return "\n\n".join(parts)


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from _commands(f"{path} {name}", inner)


def _usage(path: str, command: Any) -> str:
    arguments = [each for each in command.params if _is_argument(each)]
    words = [_name(each) if each.required else f"[{_name(each)}]" for each in arguments]
    options = [each for each in command.params if each.required and not _is_argument(each)]
    words += [f"{each.opts[0]} {each.name.upper()}" for each in options]
    return " ".join([path, *words, "[OPTIONS]"])


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _name(parameter: Any) -> str:
    if _is_argument(parameter):
        return str(parameter.metavar or parameter.name.upper())
    return ", ".join([*parameter.opts, *parameter.secondary_opts])


def _row(parameter: Any) -> tuple[str, str, str]:
    kind, value = parameter.type_descriptor.annotation, parameter.default
    default = "must be given" if parameter.required else "" if value in (None, False) else f"`{value}`"
    more = f" One of {codes(kind)}." if isinstance(kind, EnumType) else ""
    more += f" From the environment: `{parameter.envvar}`." if parameter.envvar else ""
    return f"`{_name(parameter)}`", default, f"{parameter.help}{more}"
