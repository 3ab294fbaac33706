"""What a route waits to be told and nobody tells yet.

The health-monitor judges neither quality, low confidence nor cost, and not the steps of a canary (docs/health.md). What nobody judges is
unknown, and unknown is not healthy: a route that watches it does not enter a model unless another holder of a health key says the verdict.
"""

from collections.abc import Iterator

from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.triggers import UNREPORTED, trigger_path
from interlock.records.rules import RouteRule


def producer_warnings(draft: Draft, number: int, rule: RouteRule) -> Iterator[Problem]:
    """Triggers and canaries of one route that nobody judges yet."""
    for trigger in rule.triggers:
        if trigger.trigger in UNREPORTED:
            what = (
                f"nothing reports on {trigger.objective}: the health-monitor does not judge it yet, "
                "so this route will enter no model"
            )
            mend = "Remove the trigger, or have an evaluator with a health key of the trust root say its verdicts."
            yield draft.source.warning(("routes", number, *trigger_path(trigger)), what, mend)
    if rule.canary is not None:
        what = "the health-monitor does not judge the steps of a canary yet: each is rolled back after `wait_max`"
        mend = "Move at once (`cutover`), or have an evaluator with a health key of the trust root say its verdicts."
        yield draft.source.warning(("routes", number, "canary"), what, mend)
