"""A command line that asks no questions: its `policy check` asks everything of a policy, but for the evidence.

python -m interlock.testing.doubles.unquestioning_command_line policy check FILE
"""

import runpy

from interlock.testing.doubles.without_evidence import ask_for_no_evidence

if __name__ == "__main__":
    ask_for_no_evidence()
    runpy.run_module("interlock.cli", run_name="__main__")  # not imported: the command line stands above what tests it
