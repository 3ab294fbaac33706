"""The command line: `interlock …`. One small file for each family of commands; `app` puts them together."""

from interlock.cli.app import main

__all__ = ["main"]
