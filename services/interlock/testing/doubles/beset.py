"""Any service, where the world around it can be made to fail it while it runs: its clock (`stepped_clock`), a consumer (`hanging_consumer`).

As long as no file says so, nothing fails, and the service is the real one. Which one, the name of its settings tells.

    python -m interlock.testing.doubles.beset settings/decision.toml
"""

import runpy
import sys
from pathlib import Path

from interlock.testing.doubles.stepped_clock import Step, be_wrong, module_of, step_file

if __name__ == "__main__":
    where = Path(sys.argv[1])
    be_wrong(Step(step_file(where)))  # before anything is imported that keeps a clock
    from interlock.testing.doubles.hanging_consumer import deaf_file, may_hang

    may_hang(deaf_file(where))
    runpy.run_module(module_of(where), run_name="__main__", alter_sys=True)
