"""SIGKILL at every call of a port in decision, notifier, watch, router and guard, on the bus in memory, in virtual time.

The kills for every day are tried here: each call in the code before and after, each kind of effect in every way. All there are, at every
single call of the story: `python -m interlock.testing.killing` (an hour). What fails is printed so that the same command repeats it alone.
"""

import logging
from functools import cache

import pytest
import structlog

from interlock.testing.killing import sites as code
from interlock.testing.killing import stalled, trial
from interlock.testing.killing.accounts import differences
from interlock.testing.killing.strikes import Deed, Side, Strike
from interlock.testing.killing.world import SERVICES
from interlock.vocabulary.reasons import Reason


@pytest.fixture(autouse=True)
def _quiet():
    """A hundred stories log a hundred times as much as one."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@cache
def nobody_killed(victim):
    base = trial.run(victim)
    assert base.faults == ()
    return base


def kills(victim):
    calls = nobody_killed(victim).calls
    single = [[strike] for strike in trial.quick(calls, victim)]
    return single + trial.chains(trial.reads(calls, victim), calls)


def wrong_in(victim, tries):
    """What is wrong in stories with these strikes; who is killed once is there again at once, or after a pause, by turns."""
    base, found = nobody_killed(victim), []
    for number, strikes in enumerate(tries):
        pause_s = trial.PAUSES_S[number % len(trial.PAUSES_S)] if len(strikes) == 1 else 0.0
        for fault in trial.judge(trial.run(victim, strikes, pause_s), base, strikes):
            named = " ; ".join(map(str, strikes))
            found.append(f'python -m interlock.testing.killing --pause {pause_s:g} --strike "{named}"\n    {fault}')
    return "\n".join(found)


@pytest.mark.parametrize("victim", SERVICES)
def test_wherever_a_service_is_killed_nothing_is_lost_repeated_or_decided_otherwise(victim):
    assert wrong_in(victim, kills(victim)) == ""


@pytest.mark.parametrize("side", [Side.BEFORE, Side.AFTER])
def test_every_call_of_a_port_in_the_code_is_killed(side):
    strikes = [strike for victim in SERVICES for strikes in kills(victim) for strike in strikes]
    assert code.spared({strike.site for strike in strikes if strike.side is side}) == []


def test_a_call_at_which_nobody_was_killed_would_be_seen():
    (append,) = [site for site in code.sites() if site.function == "_append" and site.method == "publish"]
    others = {f"{site.file}:{site.lines.start}" for site in code.sites() if site != append}
    assert code.spared(others) == [append]


def test_what_is_said_not_to_happen_here_is_in_the_code():
    assert {(site.file, site.function) for site in code.all_sites()} >= code.ELSEWHERE.keys()


@pytest.mark.parametrize("victim", SERVICES)
def test_an_append_whose_outcome_stays_unknown_loses_and_repeats_nothing_whether_it_came_or_comes_late(victim):
    tries = [[strike] for strike in trial.unknowns(nobody_killed(victim).calls, victim)]
    assert tries
    assert wrong_in(victim, tries) == ""


@cache
def nobody_stopped():
    base = stalled.run()
    assert base.faults == ()
    return base


def zombies(*topics):
    """Stops at the calls about some topics, in the step that moves every route."""
    return [
        strike for strike in stalled.stops(nobody_stopped().calls) if any(topic in strike.about for topic in topics)
    ]


def haunted(strike, *, hears_s):
    outcome = stalled.run(strike, hears_s)
    assert outcome.struck == 1, strike
    found = list(outcome.faults) or differences(outcome.account, nobody_stopped().account)
    assert found == [], strike
    return {reason for _, reason in outcome.findings}


@pytest.mark.parametrize("hears_s", [0.0, 0.5])
def test_a_zombie_that_wakes_before_its_append_appends_what_counts_for_nothing(hears_s):
    for strike in (strike for strike in zombies("audit") if strike.side is Side.BEFORE):
        assert Reason.LOG_GAP in haunted(strike, hears_s=hears_s)


def test_a_zombie_that_wakes_between_append_and_publish_overwrites_routes_and_they_are_repaired():
    strikes = [strike for strike in zombies("routes.v1") if "pipelined" in strike.site and strike.side is Side.BEFORE]
    assert len(strikes) == 3
    for strike in strikes:
        assert Reason.FOREIGN_RECORD in haunted(strike, hears_s=0.5)


def test_a_zombie_that_wakes_while_it_writes_the_state_topic_is_found_out_by_the_next_start():
    found = set()
    for strike in zombies("state"):
        found |= haunted(strike, hears_s=0.0)
    assert Reason.STATE_DISAGREES in found


def test_a_heartbeat_of_a_zombie_renews_no_lease():
    for strike in zombies("heartbeats"):
        found = haunted(strike, hears_s=0.5)
        assert strike.side is Side.AFTER or Reason.OLD_TERM in found


def test_a_zombie_that_wakes_at_any_other_call_takes_nothing_back():
    for strike in stalled.stops(nobody_stopped().calls):
        if "pipelined" not in strike.site and "v1[" not in strike.about:
            haunted(strike, hears_s=0.5)


def test_a_strike_is_printed_as_it_is_read():
    for arrive in (False, True):
        strike = Strike("router", Deed.KILL, Side.LATE, "router/subscriber.py:1", "", 3, arrive)
        assert Strike.parse(str(strike)) == strike
