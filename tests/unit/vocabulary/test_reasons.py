import re

import pytest

from interlock.vocabulary.reasons import Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_to_do_about_it_in_one_sentence(reason: Reason):
    assert re.fullmatch(r"[A-Z].{10,}\.", reason.mend)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_can_stand_in_a_log_a_metric_and_an_alert(reason: Reason):
    assert re.fullmatch(r"[a-z_]{3,30}", reason)
    assert reason.value == reason.name.lower()
