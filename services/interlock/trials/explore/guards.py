"""What a guard is, and where the code has one: found by reading the code, never from a list kept by hand.

The modules of the protocol are parsed. A guard is one of these:

1. *A refusing branch*: an `if` without an `else` whose body ends by going no further: it skips (`continue`), or returns something that
   withholds (or yields a reason): a reason, a refusal, a stop, a cause to leave, None, False, or what the function was given. Removed: never taken.
2. *A refusing choice*: the same as an expression, `return A if C else B`. Removed: the withholding side is never chosen.
3. *A check*: `Check` and `_made` carry whether it was passed. Removed: always passed.
4. *A row* of a table of checks: an entry of `DIMENSIONS`, a tuple that a loop of checks goes through or a generator of ends gives.
   Removed: it is not there.
5. *A permission*: each part of what a function `may_*` returns. Removed: always true.

Some are left out, each by a rule with its reason: `LEFT_OUT`. This module imports nothing of Interlock: it is loaded before it.
"""

import ast
import hashlib
import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MODULES = (
    "interlock.router.core.accept",
    "interlock.router.core.fit",
    "interlock.router.core.marks",
    "interlock.router.core.renew",
    "interlock.router.core.resolve",
    "interlock.router.core.standing",
    "interlock.router.core.state",
    "interlock.decision.core.tenure",
    "interlock.decision.core.journal",
    "interlock.decision.core.usable",
    "interlock.decision.core.choice",
    "interlock.decision.core.target",
    "interlock.decision.core.recovery",
    "interlock.decision.core.canary",
    "interlock.decision.core.decide",
    "interlock.records.log",
    "interlock.policy.admissible",
    "interlock.policy.book",
    "interlock.policy.lattice",
)
"""The modules that make up the protocol."""

_REFUSES = re.compile(r"\b(Reason\.|Refused\(|_refused\(|_?[sS]top\(|\.end\()|\.stopped")
"""What makes anything that is returned a refusal."""

_LEAVES = frozenset({"Cause", "Leave", "_not_admissible", "propose", "to_safe_state"})
"""What decision returns to leave a model, or to enter none yet."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard.

    Attributes:
        name: Module, function and what it asks, without line numbers: it stays when code around it moves.
        module: Where it is.
        place: How many guards stand before it in the module.
        code: What it asks, as written.
    """

    name: str
    module: str
    place: int
    code: str


@dataclass(frozen=True, slots=True)
class Site:
    """A guard in a syntax tree, and what takes it out; `gives` is the type that its function returns."""

    function: str
    code: str
    remove: Callable[[], None]
    gives: str = ""


def source_of(module: str) -> str:
    """The source of a module, without importing it."""
    found = importlib.util.find_spec(module)
    assert found is not None, f"{module} is part of this package"
    assert found.origin is not None, f"{module} has a source"
    return Path(found.origin).read_text(encoding="utf-8")


def guards() -> list[Guard]:
    """Every guard of the protocol's modules that no rule leaves out."""
    return [guard for module in MODULES for guard in guards_of(module, source_of(module))]


def guards_of(module: str, source: str) -> list[Guard]:
    """The guards of one module, in the order of its text."""
    found: list[Guard] = []
    names: dict[str, int] = {}
    short = module.removeprefix("interlock.")
    for place, site in enumerate(sites(ast.parse(source))):
        name = f"{short}:{site.function}:{_slug(site.code)}"
        names[name] = names.get(name, 0) + 1
        name = name if names[name] == 1 else f"{name}~{names[name]}"
        if left_out(short, site) is None:
            found.append(Guard(name, module, place, site.code))
    return found


def without(source: str, places: frozenset[int]) -> ast.Module:
    """The module without some of its guards, ready to be compiled."""
    tree = ast.parse(source)
    found = list(sites(tree))
    for place in places:
        found[place].remove()
    return ast.fix_missing_locations(tree)


def sites(tree: ast.Module) -> Iterator[Site]:
    """Every guard of a module."""
    yield from _rows(tree, "module")
    for owner, function in _functions(tree):
        name = f"{owner}{function.name}"
        parameters = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
        gives = ast.unparse(function.returns) if function.returns else ""
        for node in ast.walk(function):
            yield from _branch(node, name, parameters, gives)
            yield from _choice(node, name, parameters, gives)
            yield from _check(node, name)
            yield from _yielded(node, name)
        yield from _loops(function, name)
        if function.name.removeprefix("_").startswith("may_"):
            yield from _permission(function, name)


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield "", node
        elif isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    yield f"{node.name}.", item


def _branch(node: ast.AST, function: str, parameters: set[str], gives: str) -> Iterator[Site]:
    if not isinstance(node, ast.If) or node.orelse:
        return
    last = node.body[-1]
    withholds = isinstance(last, ast.Continue) or (
        isinstance(last, ast.Return) and _strength(last.value, parameters) > 0
    )
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Yield):
        withholds = _strength(last.value.value, parameters) == 2
    if withholds:

        def remove() -> None:
            node.test = ast.Constant(False)

        yield Site(function, ast.unparse(node.test), remove, gives)


def _choice(node: ast.AST, function: str, parameters: set[str], gives: str) -> Iterator[Site]:
    if not isinstance(node, ast.Return) or not isinstance(node.value, ast.IfExp):
        return
    choice = node.value
    taken, other = _strength(choice.body, parameters), _strength(choice.orelse, parameters)
    if taken != other:

        def remove() -> None:
            choice.test = ast.Constant(taken < other)

        yield Site(function, ast.unparse(choice.test), remove, gives)


def _strength(value: ast.expr | None, parameters: set[str]) -> int:
    """How much a returned value withholds: 2 with a reason, 1 without, 0 not at all."""
    if value is None or (isinstance(value, ast.Constant) and (value.value is None or value.value is False)):
        return 1
    if isinstance(value, ast.IfExp):
        return max(_strength(value.body, parameters), _strength(value.orelse, parameters))
    leaves = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _LEAVES
    if leaves or _REFUSES.search(ast.unparse(value)):
        return 2
    return int(isinstance(value, ast.Name) and value.id in parameters)


def _check(node: ast.AST, function: str) -> Iterator[Site]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in {"_made", "Check"}:
        return
    place = 3 if node.func.id == "_made" else 2
    if len(node.args) <= place:
        return

    def remove() -> None:
        node.args[place] = ast.Constant(True)

    yield Site(
        function, f"{ast.unparse(node.args[place - 3 if place == 3 else 1])}: {ast.unparse(node.args[place])}", remove
    )


def _rows(tree: ast.Module, function: str) -> Iterator[Site]:
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
            continue
        table = node.value
        for row in [row for row in table.elts if isinstance(row, ast.Call)]:
            yield Site(function, f"{ast.unparse(node.targets[0])} {ast.unparse(row.args[0])}", _taking(table, row))


def _loops(function: ast.FunctionDef, name: str) -> Iterator[Site]:
    for node in ast.walk(function):
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
            table = node.iter
            for row in [row for row in table.elts if isinstance(row, ast.Tuple)]:
                yield Site(name, ast.unparse(row), _taking(table, row))


def _yielded(node: ast.AST, function: str) -> Iterator[Site]:
    """A row that a generator of checks gives: a tuple that ends with the reason for its failure."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Yield):
        return
    row = node.value.value
    if isinstance(row, ast.Tuple) and ast.unparse(row.elts[-1]).startswith("Reason."):

        def remove() -> None:
            node.value = ast.Constant(None)

        yield Site(function, ast.unparse(row.elts[0]), remove)


def _taking(table: ast.Tuple, row: ast.expr) -> Callable[[], None]:
    return lambda: table.elts.remove(row)


def _permission(function: ast.FunctionDef, name: str) -> Iterator[Site]:
    for node in ast.walk(function):
        if not isinstance(node, ast.Return) or node.value is None or isinstance(node.value, ast.IfExp):
            continue
        if isinstance(node.value, ast.BoolOp) and isinstance(node.value.op, ast.And):
            for part in list(node.value.values):
                yield Site(name, ast.unparse(part), _granting(node.value, part))
        else:
            granted = node

            def remove(granted: ast.Return = granted) -> None:
                granted.value = ast.Constant(True)

            yield Site(name, ast.unparse(node.value), remove)


def _granting(whole: ast.BoolOp, part: ast.expr) -> Callable[[], None]:
    def remove() -> None:
        whole.values[whole.values.index(part)] = ast.Constant(True)

    return remove


def _slug(code: str) -> str:
    """What a guard asks, short enough for a line; a digest keeps long ones apart."""
    plain = re.sub(r"[^a-z0-9_.<>=!]+", "-", code.lower()).strip("-")
    return plain if len(plain) <= 60 else f"{plain[:52]}-{hashlib.sha256(code.encode()).hexdigest()[:7]}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Why some guards are left out.

    Attributes:
        reason: Why the explorer cannot see it, and who does.
        what: Matches what the guard asks.
        where: Matches its module and function.
        gives: Matches the type that its function returns.
    """

    reason: str
    what: str = ""
    where: str = ""
    gives: str = ""

    def matches(self, where: str, site: Site) -> bool:
        """Whether the rule leaves a guard out."""
        asked = ((self.what, site.code), (self.where, where), (self.gives, site.gives))
        return all(re.search(pattern, text) for pattern, text in asked)


LEFT_OUT = (
    Rule(
        "the shape, size and signature of a record: tests of signing and wire, and the property tests of totality",
        what=r"isinstance\(.*(Refused|Reason|str)\)|\w+_BYTES_MAX|PARKED_PER_SHARD_MAX|sealed is None",
    ),
    Rule(
        "it tells kinds of record apart and refuses none",
        what=r"^isinstance\([\w.]+, \w+\)( and isinstance\([\w.]+, \w+\))*$",
    ),
    Rule("what is the same already stays the same: it saves work", what=r"^[^=<>!]+ == value$"),
    Rule("it gives a name, not a refusal", gives=r"^str \| None$"),
    Rule(
        "the window of rule 6 counts fifty routes, and no world has as many: tests of recovery",
        what=r"may_climb|climbs\.",
    ),
    Rule(
        "damping and dwell only hold a climb back, and the oracle lets any climb be held back: tests of recovery",
        where=r"core\.choice:(_entered|_flaps|_is_above)$",
    ),
    Rule(
        "in no world must a canary's model be approved: tests of canaries", what="^why$", where=r"core\.canary:against$"
    ),
    Rule("in every world the rules settle: tests of decide", where=r"core\.decide:_stop$"),
    Rule("to wait for a better rung only holds a climb back, likewise: tests of recovery", what=r"^soon_stable\("),
    Rule("it is implied by what follows, and saves work", what=r"^all\(watched\.trigger is not"),
    Rule("it chooses between reasons, and refuses either way", gives=r"^Reason$"),
    Rule("it words a cause, and what is done is the same", gives=r"^Cause$"),
)


def left_out(module: str, site: Site) -> str | None:
    """The reason why a guard is left out; None: it is not."""
    where = f"{module}:{site.function}"
    return next((rule.reason for rule in LEFT_OUT if rule.matches(where, site)), None)
