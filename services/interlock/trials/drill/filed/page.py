"""The page: what an auditor reads first, then test by test the story and its evidence, at the end every record by its digest."""

from collections.abc import Iterator, Sequence
from importlib.resources import files

from interlock.trials.drill.filed.filing import Chapter, Filing, Move
from interlock.trials.drill.filed.markup import element, figures, prose, table, text
from interlock.trials.drill.filed.prose import AGAIN, METHOD, NOT_SHOWN, VERIFY
from interlock.trials.timeline import svg
from interlock.vocabulary.time import SECOND, Micros, to_text

STANDARD = "AG-163"
TESTS = ("8.1", "8.2", "8.3", "8.4", "8.5", "8.6", "8.7")


def page(filing: Filing) -> str:
    """The whole document, UTF-8."""
    title = f"{STANDARD}: report of a drill, {to_text(filing.began)[:10]}"
    style = (files(__package__) / "page.css").read_text("utf-8")
    head = element("title", text(title)) + '<meta name="viewport" content="width=device-width">' + _style(style)
    body = element("main", *_parts(filing))
    return f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{head}</head>\n<body>{body}</body></html>\n'


def _style(style: str) -> str:
    return f"<style>{style}</style>"


def _parts(filing: Filing) -> Iterator[str]:
    yield _front(filing)
    yield _section("Summary", "summary", _summary(filing))
    yield _section("How the evidence was gathered", "method", *(element("p", prose(said)) for said in METHOD))
    for chapter in filing.chapters:
        yield _chapter(chapter, filing)
    yield _section("The audit log", "log", _log(filing))
    yield _section("When to run it again, and how", "again", *_again(filing))
    yield _section("What this report does not show", "limits", _list(NOT_SHOWN))
    yield _section(
        "Records that the verdicts rest on",
        "records",
        *(element("p", prose(said)) for said in VERIFY),
        *_records(filing),
    )


def _section(title: str, place: str, *inside: str) -> str:
    return element("section", element("h2", text(title)), *inside, id=place)


def _front(filing: Filing) -> str:
    passed = sum(chapter.passed for chapter in filing.chapters)
    verdict = "Passed" if filing.passed else "Not passed"
    left_out = _left_out(filing)
    not_run = f"; not run: {', '.join(left_out)}" if left_out else ""
    tests = "tests 8.1 to 8.7" if not left_out else "a part of its tests"
    stamp = element(
        "p",
        element("strong", verdict),
        text(f" {passed} of {len(filing.chapters)} tests{not_run}"),
        class_="stamp yes" if filing.passed else "stamp no",
    )
    told = {
        "Deployment": filing.deployment,
        "Began": to_text(filing.began),
        "Ended": f"{to_text(filing.ended)}, after {_lasted(Micros(filing.ended - filing.began))}",
        "Broker": filing.broker,
        "Notification deadline": _deadline(filing),
        **filing.surroundings,
        "Trust root (SHA-256)": filing.trust_root,
    }
    rows = (element("div", element("dt", text(name)), element("dd", text(value))) for name, value in told.items())
    return element(
        "header",
        element("p", "Interlock · governed model fallback", class_="kicker"),
        element("h1", text(f"{STANDARD}, {tests}: report of a drill")),
        stamp,
        element("dl", *rows),
    )


def _left_out(filing: Filing) -> list[str]:
    """The tests of the standard that were not run: what was passed is not the standard then."""
    run = {chapter.id for chapter in filing.chapters}
    return [test for test in TESTS if test not in run]


def _deadline(filing: Filing) -> str:
    standard = 300
    if filing.deadline_s >= standard:
        return f"{filing.deadline_s:g} s, as the standard asks"
    return f"{filing.deadline_s:g} s in this run, shorter than the standard's {standard} s: a harder test, in less time"


def _lasted(length: Micros) -> str:
    minutes, seconds = divmod(round(length / SECOND), 60)
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def _summary(filing: Filing) -> str:
    rows = (
        [
            element("a", text(chapter.id), href=f"#test-{chapter.id}"),
            element("strong", text(chapter.title)) + "<br>" + text(chapter.summary),
            _mark(passed=chapter.passed),
            text(len(chapter.moves)),
            text(len(chapter.rests_on)),
        ]
        for chapter in filing.chapters
    )
    return table(["Test", "What was seen", "Verdict", "Changes", "Records"], rows, kind="summary")


def _mark(*, passed: bool) -> str:
    return element("span", "✓ passed" if passed else "✗ not passed", class_="mark yes" if passed else "mark no")


def _chapter(chapter: Chapter, filing: Filing) -> str:
    title = element("h2", text(f"{chapter.id} {chapter.title}"), " ", _mark(passed=chapter.passed))
    asked = element("p", text(chapter.clause), class_="clause")
    return element("section", title, asked, *_seen(chapter, filing), id=f"test-{chapter.id}", class_="chapter")


def _seen(chapter: Chapter, filing: Filing) -> Iterator[str]:
    if chapter.faults:
        yield element("div", element("h3", "Not as it should be"), _list(chapter.faults), class_="faults")
    if chapter.timeline is not None:
        yield element("figure", svg(chapter.timeline))
    if chapter.story:
        yield element("h3", "What was done, and what was seen")
        rows = ([text(_offset(line.at, filing)), text(line.text)] for line in chapter.story)
        yield table(["s", "event"], rows, kind="story")
    if chapter.evidence:
        yield element("h3", "Figures")
        yield from figures(chapter.evidence)
    if chapter.moves:
        yield element("h3", f"The changes in the audit log: {len(chapter.moves)}")
        head = ["s", "route", "from", "to", "reason", "checks", "told after"]
        yield table(head, (_move(move, filing) for move in chapter.moves), kind="moves")


def _move(move: Move, filing: Filing) -> list[str]:
    made = move.passed + move.failed
    checks = f"{move.passed} of {made} passed" if made else "none needed"
    told = "not in time" if move.told_s is None else f"{move.told_s:.2f} s"
    cells = [_offset(move.at, filing), move.route, move.source, move.target, move.reason, checks, told]
    return [text(cell) for cell in cells]


def _offset(at: Micros, filing: Filing) -> str:
    """Seconds since the drill began."""
    return f"{(at - filing.began) / SECOND:.2f}"


def _log(filing: Filing) -> str:
    if filing.differences:
        said = f"{len(filing.log):,} records were decided again from their journalled inputs, and that gave something else:"
        return element("p", text(said)) + _list(filing.differences)
    said = (
        f"All {len(filing.log):,} records of the audit log were read from its beginning, their signatures verified, and every step "
        "decided again from its journalled inputs: the same changes came out, byte for byte."
    )
    return element("p", text(said))


def _again(filing: Filing) -> Iterator[str]:
    yield element("p", prose(AGAIN))
    yield element("pre", text(filing.command))


def _list(sentences: Sequence[str]) -> str:
    return element("ul", *(element("li", prose(sentence)) for sentence in sentences))


def _records(filing: Filing) -> Iterator[str]:
    named = [(f"{chapter.id}: {len(chapter.rests_on)} records", chapter.rests_on) for chapter in filing.chapters]
    for title, records in (*named, (f"The audit log: {len(filing.log)} records", filing.log)):
        rows = (
            [text(each.kind), text(each.place), text(each.about), element("code", text(each.event_id))]
            for each in records
        )
        if records:
            yield element("h3", text(title))
            yield table(["record", "where", "about", "SHA-256"], rows, kind="records")
