"""What the owners of one process verify once for all of them."""

from dataclasses import replace

from interlock.decision import interpreter as module
from interlock.decision.interpreter import KEPT, KEPT_BYTES_MAX, Interpreter
from interlock.records.audit import Input, InputKind
from interlock.records.health import Level, Verdict
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import NOW, Deployment
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import COMMANDS, VERDICTS

DEPLOYMENT = Deployment()


def verdict(number=0, by="health-1"):
    until = Micros(NOW + 5 * SECOND)
    said = Verdict("atlas", "*", "unavailable", Level.HEALTHY, f"call {number}", 9, ("gateway-1",), NOW, NOW, until)
    return DEPLOYMENT.seal(said, by)


def given(sealed, topic=VERDICTS.name):
    return Input(InputKind.RECORD, topic, 0, 7, sealed)


def verified(monkeypatch):
    """How often something is really verified, from now on."""
    asked, honest = [], module.interpret

    def noted(what, trust):
        asked.append(what.value)
        return honest(what, trust)

    monkeypatch.setattr(module, "interpret", noted)
    return asked


def test_the_owners_of_a_process_verify_a_verdict_once(monkeypatch):
    asked, shared = verified(monkeypatch), Interpreter()
    answers = [shared.interpret(given(verdict()), DEPLOYMENT.root) for _ in range(4)]
    assert len(asked) == 1
    assert all(isinstance(answer, Verified) and answer is answers[0] for answer in answers)


def test_another_trust_root_vouches_for_itself(monkeypatch):
    asked, shared = verified(monkeypatch), Interpreter()
    shared.interpret(given(verdict()), DEPLOYMENT.root)
    strangers = Deployment("elsewhere")
    answer = shared.interpret(given(verdict()), strangers.root)
    assert len(asked) == 2
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.NO_SIGNATURE


def test_what_was_refused_stays_refused_and_what_is_no_verdict_is_asked_each_time(monkeypatch):
    asked, shared = verified(monkeypatch), Interpreter()
    forged = verdict(by="gateway-1")
    assert {shared.interpret(given(forged), DEPLOYMENT.root).reason for _ in range(2)} == {Reason.ROLE_NOT_ALLOWED}
    for _ in range(2):
        assert isinstance(shared.interpret(given(verdict(), COMMANDS.name), DEPLOYMENT.root), Refused)
    assert len(asked) == 3


def test_it_forgets(monkeypatch):
    asked, shared = verified(monkeypatch), Interpreter()
    first = verdict()
    shared.interpret(given(first), DEPLOYMENT.root)
    for number in range(KEPT):
        shared.interpret(given(b"%d" % number), DEPLOYMENT.root)
    shared.interpret(given(first), DEPLOYMENT.root)
    assert asked.count(first) == 2


def test_owners_that_each_read_the_trust_root_for_themselves_share_an_answer(monkeypatch):
    asked, shared = verified(monkeypatch), Interpreter()
    roots = [DEPLOYMENT.root, replace(DEPLOYMENT.root)]
    assert roots[0] is not roots[1]
    answers = [shared.interpret(given(verdict()), root) for root in roots]
    assert len(asked) == 1
    assert answers[0] is answers[1]


def test_what_is_too_long_for_a_verdict_is_not_kept(monkeypatch):
    asked, shared = verified(monkeypatch), Interpreter()
    long = bytes(KEPT_BYTES_MAX + 1)
    assert all(isinstance(shared.interpret(given(long), DEPLOYMENT.root), Refused) for _ in range(2))
    assert len(asked) == 2
