import pytest

from interlock.decision.core.intake import VERDICT_AGE_US_MAX, worth_reading
from interlock.records.change import AckKind, Acknowledgement
from interlock.testing.builders import NOW, Deployment
from interlock.vocabulary.time import Micros
from interlock.wire.topics import ACKS, COMMANDS, POLICIES, VERDICTS

DEPLOYMENT = Deployment()


def ack(kind):
    return DEPLOYMENT.seal(Acknowledgement("gateway-1", kind, "x", b"", "", NOW), "gateway-1")


@pytest.mark.parametrize(("kind", "worth"), [(kind, kind is AckKind.NACK) for kind in AckKind])
def test_of_what_routers_say_only_a_refusal_is_read(kind, worth):
    assert worth_reading(ACKS.name, ack(kind), NOW, NOW) is worth


@pytest.mark.parametrize("rubbish", [None, b"", b"rubbish", ack(AckKind.ACK)[:-1]])
def test_what_cannot_be_read_on_the_acks_topic_is_not_let_go_unseen(rubbish):
    assert worth_reading(ACKS.name, rubbish, NOW, NOW)


def test_a_verdict_that_has_long_lapsed_is_let_go():
    assert worth_reading(VERDICTS.name, b"", Micros(NOW - VERDICT_AGE_US_MAX), NOW)
    assert not worth_reading(VERDICTS.name, b"", Micros(NOW - VERDICT_AGE_US_MAX - 1), NOW)


@pytest.mark.parametrize("topic", [POLICIES, COMMANDS])
def test_what_people_say_is_read_however_old(topic):
    assert worth_reading(topic.name, b"", Micros(0), NOW)
