"""A decision service that asks no questions: a signed policy is enough, whatever validators have said.

python -m interlock.testing.doubles.unquestioning_decision SETTINGS
"""

import sys
from pathlib import Path

from interlock.decision.__main__ import run
from interlock.testing.doubles.without_evidence import ask_for_no_evidence

if __name__ == "__main__":
    ask_for_no_evidence()
    sys.exit(run(Path(sys.argv[1])))
