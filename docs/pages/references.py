"""What a page refers to must exist: a claim that names a test, a guard or a file is worth what it names.

A reference is a piece of `code` in the running text (fenced blocks are left out), in one of these forms:

    path/to/test_file.py::test_name       a test; in a class, path/to/test_file.py::Class::test_name
    path/to/file.py, path/to/folder       as seen from the root, from services/interlock or from docs
    path/to/file.py:function              a function, a Class or a Class.method in it
    module.name:function:what-it-asks     a guard of the mutation gate (trials/explore/guards.py)
    interlock policy check FILE --json    a command: its words and its options; words in capitals stand for anything
    interlock drill ag-163 --only 8.1     the same; the drill's tests by their numbers
    make test                             a target of the Makefile
    x-interlock-model                     a header of the gateway
    anything_else                         a word of the vocabulary: a reason, trigger, safe state, role, verb, field, topic or metric

In a *strict* page every piece of code must be one of these, and every invariant (S1 …, L1 …) must have a row in the table of invariants.
In any other page only files and folders of the source tree are looked at, since its code may speak of a reader's own files.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from enum import EnumType
from functools import cache
from inspect import getmembers
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

import typer

import interlock
from interlock import policy, records, signing, vocabulary
from interlock.cli.app import app
from interlock.policy.lattice import DIMENSIONS
from interlock.trials.drill.catalogue import EXERCISES
from interlock.trials.explore.guards import MODULES, guards_of, source_of
from interlock.wire.topics import BY_NAME

ROOT = Path(__file__).parents[2]
SOURCE = Path(str(interlock.__file__)).parent

_CODE = re.compile(r"`([^`\n]+)`")
_INVARIANT = re.compile(r"\b[SL][1-9][0-9]?\b")
_IN_TREE = re.compile(r"(services|tests|docs|deploy|schemas)/[\w./-]+|[\w./-]+/[\w-]+\.py")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_|:-]*|…")
_TEST_NUMBER = re.compile(r"8\.\d")


def dead(page: Path, *, strict: bool, invariants: frozenset[str] = frozenset()) -> list[str]:
    """The references of a page that lead nowhere, each with its line.

    Args:
        page: A file in Markdown.
        strict: Whether every piece of code must be a reference.
        invariants: strict: those that have a row in the table of invariants.
    """
    found = []
    for number, line in _prose(page.read_text("utf-8")):
        pieces = _CODE.findall(line)
        wrong = [piece for piece in pieces if not (_alive(piece) if strict else _there_if_file(piece))]
        unknown = sorted(set(_INVARIANT.findall(_CODE.sub("", line))) - invariants) if strict else []
        found += [f"{page.name}:{number}: {what}" for what in (*wrong, *unknown)]
    return found


def invariants_of(page: Path) -> frozenset[str]:
    """The invariants that have a row in a page's table, such as `| S1 | … |`."""
    return frozenset(re.findall(r"^\| ([SL]\d+) \|", page.read_text("utf-8"), re.MULTILINE))


def _prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines outside fenced blocks, with their numbers."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def _alive(piece: str) -> bool:
    return any(form(piece) for form in _FORMS)


def _there_if_file(piece: str) -> bool:
    return _IN_TREE.fullmatch(piece) is None or _path(piece) is not None


def _path(piece: str) -> Path | None:
    if piece.startswith(("/", ".")) or "//" in piece:
        return None
    found = (start / piece for start in (ROOT, SOURCE, ROOT / "docs"))
    return next((path for path in found if path.exists()), None)


def _is_path(piece: str) -> bool:
    return "/" in piece and _path(piece) is not None


def _is_test(piece: str) -> bool:
    file, *names = piece.split("::")
    path = _path(file)
    named = bool(names) and names[-1].startswith("test_")
    return named and path is not None and path.is_file() and ".".join(names) in _defined(path)


def _is_function(piece: str) -> bool:
    file, _, name = piece.partition(":")
    path = _path(file) if file.endswith(".py") else None
    return path is not None and bool(name) and name in _defined(path)


@cache
def _defined(path: Path) -> frozenset[str]:
    """The functions, classes and methods of a module."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}.{each.name}" for each in inner}
    return frozenset(found)


def _is_guard(piece: str) -> bool:
    return piece in _guards()


@cache
def _guards() -> frozenset[str]:
    return frozenset(guard.name for module in MODULES for guard in guards_of(module, source_of(module)))


def _is_command(piece: str) -> bool:
    program, *words = piece.split()
    return program == "interlock" and bool(words) and _fits(typer.main.get_command(app), words)


def _fits(command: Any, words: list[str]) -> bool:
    """Whether a command has the subcommands and options that are named."""
    if hasattr(command, "commands"):
        return not words or (words[0] in command.commands and _fits(command.commands[words[0]], words[1:]))
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("-")}
    return all(_may_stand(word, options) for word in words)


def _may_stand(word: str, options: set[str]) -> bool:
    """Whether a word may stand in a command: an option of it, a test of the drill, or what stands for an argument."""
    if word.startswith("-"):
        return word in options
    if _TEST_NUMBER.fullmatch(word):
        return word in {exercise.id for exercise in EXERCISES}
    return _PLACEHOLDER.fullmatch(word) is not None or word in _words() or word in _services()


def _services() -> list[str]:
    return [path.parent.name.replace("_", "-") for path in SOURCE.rglob("__main__.py")]


def _is_target(piece: str) -> bool:
    program, _, target = piece.partition(" ")
    return program == "make" and re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.M) is not None


def _is_header(piece: str) -> bool:
    return re.fullmatch(r"x-interlock-[a-z-]+", piece) is not None and piece in _gateway()


@cache
def _gateway() -> frozenset[str]:
    texts = (path.read_text("utf-8") for path in (SOURCE / "router" / "gateway").rglob("*.py"))
    return frozenset(word for text in texts for word in re.findall(r"x-interlock-[a-z-]+", text))


def _is_word(piece: str) -> bool:
    return piece in _words()


@cache
def _words() -> frozenset[str]:
    """Every word that stands for something on the topics, in a policy or in the metrics."""
    words = {name for spec in BY_NAME.values() for name in (spec.name, *spec.written_by)}
    words |= {dimension.name for dimension in DIMENSIONS}
    for module in _modules(policy, records, signing, vocabulary):
        for name, kind in getmembers(module, lambda each: isinstance(each, type)):
            words.add(name)
            if isinstance(kind, EnumType):
                members: dict[str, Any] = dict(kind.__members__)
                words |= {str(member.value) for member in members.values()}
            elif is_dataclass(kind):
                words |= {field.name for field in fields(kind)}
            words |= set(getattr(kind, "model_fields", ()))
    words |= set(re.findall(r"`(interlock_\w+)`", (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")))
    return frozenset(words)


def _modules(*packages: ModuleType) -> Iterator[ModuleType]:
    for package in packages:
        yield package
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            yield __import__(found.name, fromlist=["_"])


_FORMS: tuple[Callable[[str], bool], ...] = (
    _is_test,
    _is_path,
    _is_function,
    _is_guard,
    _is_command,
    _is_target,
    _is_header,
    _is_word,
)
