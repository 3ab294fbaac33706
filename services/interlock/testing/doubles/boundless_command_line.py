"""A command line that knows no bounds: its `policy check` asks everything of a policy, but for the lattice.

python -m interlock.testing.doubles.boundless_command_line policy check FILE
"""

import runpy

from interlock.testing.doubles.without_bounds import know_no_bounds

if __name__ == "__main__":
    know_no_bounds()
    runpy.run_module("interlock.cli", run_name="__main__")  # not imported: the command line stands above what tests it
