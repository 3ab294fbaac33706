"""Transcripts of the decision and a router: commands in, what was ordered and served out.

They are made again from their own commands and must not differ. A difference that is meant is written with `INTERLOCK_WRITE_GOLDEN=1`
and explained in the commit.
"""

import os
from pathlib import Path

import pytest

from interlock.testing.script import commands, perform

SCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_leads_to_what_its_transcript_says(script: Path):
    text = script.read_text("utf-8")
    transcript = perform(commands(text))
    if os.environ.get("INTERLOCK_WRITE_GOLDEN"):
        script.write_text(transcript, "utf-8")
    assert transcript == script.read_text("utf-8")
    assert "comet" not in "".join(line for line in transcript.splitlines() if "served by" in line)
