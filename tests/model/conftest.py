import sys
from collections.abc import Callable, Iterable

import pytest


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Iterable[bool]], None]:
    """Say in the output how large a table was, and see that it held both answers."""

    def told(what: str, answers: Iterable[bool]) -> None:
        given = list(answers)
        assert {True, False} == set(given)
        with capsys.disabled():
            sys.stdout.write(f"\n  {what}: {len(given):,} cases, {sum(given):,} yes")

    return told
