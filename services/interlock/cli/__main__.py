"""`python -m interlock.cli`: the command line where the script `interlock` is not on the path."""

from interlock.cli.app import main

main()
