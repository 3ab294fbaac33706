import ast

import pytest

from interlock.trials.explore.guards import MODULES, guards, guards_of, source_of, without
from interlock.trials.explore.partners import PARTNERS

SOURCE = """
from somewhere import Reason, Check

DIMENSIONS = (Dimension("tools", 1), Dimension("regions", 2))


def judge(change, now):
    if change is None:
        return Reason.EMPTY
    if now > change.end:
        return None
    if now > 3:
        return "go on"
    for bound, name in ((1, "primary"), (2, "predecessor")):
        if bound > now:
            continue
    return Reason.LATE if now > 9 else None


def named(change) -> str | None:
    return change.name if change.named else None


def may_enter(entry):
    return entry is not None and entry.healthy


def checks(model):
    return [Check(model, "denial", model.denied is None, "not denied")]


def ends(policy):
    yield "policy", policy.end, Reason.EXPIRED
    if policy.old:
        yield Leave(1)
"""


def names(source=SOURCE):
    return [guard.name.removeprefix("a.module:") for guard in guards_of("interlock.a.module", source)]


def removed(name, source=SOURCE):
    found = next(guard for guard in guards_of("interlock.a.module", source) if guard.name == f"a.module:{name}")
    return ast.unparse(without(source, frozenset({found.place})))


def test_every_kind_of_guard_is_found_and_what_refuses_nothing_is_not():
    assert sorted(names()) == sorted(
        [
            "module:dimensions-tools",
            "module:dimensions-regions",
            "judge:change-is-none",
            "judge:now->-change.end",
            "judge:bound->-now",
            "judge:now->-9",
            "judge:1-primary",
            "judge:2-predecessor",
            "may_enter:entry-is-not-none",
            "may_enter:entry.healthy",
            "checks:denial-model.denied-is-none",
            "ends:policy",
            "ends:policy.old",
        ]
    )


@pytest.mark.parametrize(
    ("name", "gone", "there"),
    [
        ("judge:change-is-none", "if change is None", "if False:\n        return Reason.EMPTY"),
        ("judge:now->-9", "if now > 9", "Reason.LATE if False else None"),
        ("judge:1-primary", "(1, 'primary')", "(2, 'predecessor')"),
        ("may_enter:entry.healthy", "entry.healthy", "entry is not None and True"),
        ("checks:denial-model.denied-is-none", "model.denied", "Check(model, 'denial', True, 'not denied')"),
        ("module:dimensions-tools", "Dimension('tools', 1)", "Dimension('regions', 2)"),
        ("ends:policy", "yield ('policy'", "None"),
    ],
)
def test_a_guard_is_taken_out_and_the_rest_stays(name, gone, there):
    mutated = removed(name)
    assert gone not in mutated
    assert there in mutated
    assert gone in ast.unparse(ast.parse(SOURCE))


def test_what_is_beyond_the_explorer_is_left_out_by_rule():
    source = (
        "def take(book, sealed):\n    if len(sealed) > POLICY_BYTES_MAX:\n        return Refused(Reason.TOO_LARGE)\n"
    )
    assert names(source) == []


def test_a_name_stays_when_code_around_its_guard_moves():
    assert names("\n\n" + SOURCE.replace("def judge", "X = 1\n\n\ndef judge")) == names()


def test_two_guards_that_ask_the_same_have_two_names():
    twice = "def f(x):\n    if x:\n        return None\n    if x:\n        return None\n"
    assert names(twice) == ["f:x", "f:x~2"]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_of_the_protocol_has_a_source_and_can_be_compiled_without_any_of_its_guards(module):
    source = source_of(module)
    for guard in guards_of(module, source):
        compile(without(source, frozenset({guard.place})), module, "exec")


def test_every_partner_is_a_guard_of_the_code():
    found = {guard.name for guard in guards()}
    for name, partner in PARTNERS.items():
        assert {name, partner.name} <= found
        assert partner.why
