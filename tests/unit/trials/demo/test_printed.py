from dataclasses import replace

from rich.console import Console

from interlock.trials.demo.cast import SLOW, TRIED, UNACCEPTED
from interlock.trials.demo.evidence import Evidence
from interlock.trials.demo.printed import show
from interlock.trials.demo.report import document


def printed(evidence: Evidence, *faults: str) -> str:
    console = Console(record=True, width=200)
    show(console, document(evidence), faults)
    return console.export_text()


def test_people_read_of_the_canary_the_approval_and_the_tickets(right: Evidence) -> None:
    text = printed(right)
    for part in (
        f"{SLOW} → {TRIED} for 25 %",
        f"25 % ordered for {TRIED}",
        "0 by both",
        f"{UNACCEPTED} differs in: tools",
        "signed by olga: refused (not_authorised)",
        "signed by oscar: accepted",
        "it waited for 4.0 s",
        "1 requests got a ticket; 1 of them are kept",
        "not yet judged against each other",
        "Everything is as it should be.",
    ):
        assert part in text, part


def test_what_is_not_as_it_should_be_stands_at_the_end(right: Evidence) -> None:
    text = printed(replace(right, tried=None, waited=None), "It rained.")
    assert text.rstrip().endswith("Not as it should be: It rained.")
    assert text.count("there was none") == 2
