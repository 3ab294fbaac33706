"""Checks each signature once, however many runs see the same bytes: in virtual time most of a run is spent on that."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from unittest.mock import patch

from interlock.signing import verifier
from interlock.signing.keys import signature_holds

_KEPT = 100_000

_once = lru_cache(maxsize=_KEPT)(signature_holds)


@contextmanager
def signatures_checked_once() -> Iterator[None]:
    """Within this, a signature that was checked before is not checked again; what is asked, and the answer, are the same."""
    with patch.object(verifier, "signature_holds", _once):
        yield
