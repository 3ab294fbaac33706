import pytest

from interlock.signing.roles import SIGNED_BY, Role
from interlock.signing.trust import PEOPLE
from interlock.vocabulary.payloads import PayloadType


def test_every_kind_of_record_has_signers():
    assert set(SIGNED_BY) == set(PayloadType)
    assert all(rule and all(rule) for rule in SIGNED_BY.values())


def test_every_role_may_say_something():
    assert {role for rule in SIGNED_BY.values() for alternative in rule for role in alternative} == set(Role)


@pytest.mark.parametrize("kind", PayloadType)
def test_what_people_say_no_service_says_but_for_the_watch_that_may_order_a_suspension(kind: PayloadType):
    roles = frozenset().union(*SIGNED_BY[kind]) - ({Role.WATCH} if kind is PayloadType.COMMAND else set())
    assert roles <= PEOPLE or not roles & PEOPLE


def test_the_binding_cannot_be_changed_at_run_time():
    with pytest.raises(TypeError):
        SIGNED_BY[PayloadType.ROUTE_POLICY] = (frozenset({Role.DECISION}),)  # type: ignore[index]
