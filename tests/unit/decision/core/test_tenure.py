from interlock.decision.core.tenure import Tenure
from interlock.records.log import ShardLog
from interlock.vocabulary.reasons import Reason


def claimed(claim=5, sequence=3):
    return Tenure.begin(claim, ShardLog(0, sequence=sequence, term=claim))


def test_a_term_begins_where_the_log_ends_with_its_claim():
    tenure = claimed()
    assert (tenure.term, tenure.sequence, tenure.next_offset, tenure.doubt) == (5, 3, 6, None)
    assert tenure.may_publish


def test_a_term_does_not_begin_if_somebody_else_claimed_later():
    tenure = Tenure.begin(5, ShardLog(0, sequence=3, term=6))
    assert tenure.doubt is Reason.LOG_GAP
    assert not tenure.may_publish


def test_nothing_is_published_while_an_append_is_under_way():
    tenure = claimed().append(held=True)
    assert not tenure.may_publish
    assert not tenure.may_beat(heard_to_end=True)
    after = tenure.acknowledged(6)
    assert after.may_publish
    assert (after.sequence, after.next_offset) == (4, 7)


def test_a_second_append_before_the_first_is_acknowledged_ends_the_term():
    assert claimed().append(held=True).append(held=True).doubt is Reason.LOG_GAP


def test_a_gap_ends_the_term_for_good():
    tenure = claimed().append(held=True).acknowledged(7)
    assert tenure.doubt is Reason.LOG_GAP
    assert not tenure.may_publish
    assert tenure.append(held=True).doubt is Reason.LOG_GAP
    assert not tenure.append(held=True).acknowledged(6).may_publish


def test_an_owner_who_lost_the_shard_appends_nothing():
    assert claimed().append(held=False).doubt is Reason.LOG_GAP


def test_a_record_of_somebody_else_in_the_log_ends_the_term_and_ones_own_does_not():
    tenure = claimed().append(held=True).acknowledged(6)
    assert tenure.saw(6) == tenure
    assert tenure.saw(7).doubt is Reason.LOG_GAP


def test_a_heartbeat_needs_everything_to_have_been_heard_and_a_term_that_lasts():
    tenure = claimed()
    assert tenure.may_beat(heard_to_end=True)
    assert not tenure.may_beat(heard_to_end=False)
    assert not tenure.saw(6).may_beat(heard_to_end=True)
    assert tenure.beat().beats == 1
