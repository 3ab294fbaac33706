"""What the code says of itself: documented constants of a module, documented attributes of a class."""

import ast
import inspect
import re
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any

from pages.markdown import one_line


@dataclass(frozen=True, slots=True)
class Constant:
    """A name in a module, its value, and the docstring under it."""

    name: str
    value: Any
    doc: str


def constants(module: ModuleType) -> list[Constant]:
    """The module's constants that have a docstring, in the order of the file."""
    body = ast.parse(inspect.getsource(module)).body
    found = []
    for statement, after in pairwise(body):
        match statement, after:
            case ast.Assign(targets=[ast.Name(name)]), ast.Expr(ast.Constant(str(doc))):
                found.append(Constant(name, getattr(module, name), one_line(doc)))
    return found


def attributes(kind: type) -> dict[str, str]:
    """What the class and those it inherits from say under `Attributes:`, by name."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        section = re.search(r"^Attributes:\n((?:    .*\n?|\n)*)", inspect.cleandoc(base.__doc__ or ""), re.MULTILINE)
        for name, doc in re.findall(
            r"^    (\w+): ((?:.*\n?(?:     .*\n?)*))", section[1] if section else "", re.MULTILINE
        ):
            found[name] = one_line(doc)
    return found


def summary(thing: object) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def body(thing: object) -> str:
    """A docstring without its first line."""
    return (inspect.getdoc(thing) or "").partition("\n")[2].strip()
