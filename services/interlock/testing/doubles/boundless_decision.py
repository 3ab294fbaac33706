"""A decision service that knows no bounds: it asks all of a signed policy, but for the lattice.

python -m interlock.testing.doubles.boundless_decision SETTINGS
"""

import sys
from pathlib import Path

from interlock.decision.__main__ import run
from interlock.testing.doubles.without_bounds import know_no_bounds

if __name__ == "__main__":
    know_no_bounds()
    sys.exit(run(Path(sys.argv[1])))
