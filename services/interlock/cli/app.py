"""The application: every command, and the one place where an error becomes words and an exit code."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from interlock.cli import audit, bench, demo, drill, explore, init, kafka, operate, replay, run, status, tickets
from interlock.cli.answer import complain
from interlock.cli.policy import app as policy
from interlock.cli.review import app as review
from interlock.vocabulary.errors import ConfigurationError, InterlockError


class _Interlock(TyperGroup):
    """Answers every error in the same way, with what to do next."""

    def main(self, args: Any = None, *others: Any, **extra: Any) -> Any:
        arguments = list(sys.argv[1:] if args is None else args) or ["--help"]
        as_json = "--json" in arguments
        try:
            code = super().main(arguments, *others, **{**extra, "standalone_mode": False})
        except InterlockError as error:
            code = complain(error, as_json=as_json)
        except typer.Abort:
            code = 130  # as the shell says of a program that ^C ended
        except typer.TyperException as error:
            code = complain(_usage(error), as_json=as_json)
        sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Any) -> ConfigurationError:
    """A usage error of click, which typer carries inside and does not export."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "interlock"
    return ConfigurationError(error.format_message(), f"Run `{path} --help` to see what it takes.")


app = typer.Typer(
    cls=_Interlock,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Governed model fallback for AI agents: approved models only, signed changes, and a safe state.",
)
app.command("demo")(demo.demo)
app.command("replay")(replay.replay)
app.command("explore")(explore.explore)
app.add_typer(bench.app, name="bench")
app.add_typer(drill.app, name="drill")
app.command("init")(init.init)
app.command("run")(run.run)
app.add_typer(policy.app, name="policy")
app.add_typer(kafka.app, name="kafka")
app.command("status")(status.status)
app.command("approve")(operate.approve)
app.command("reject")(operate.reject)
app.command("freeze")(operate.freeze)
app.command("suspend")(operate.suspend)
app.command("resume")(operate.resume)
app.command("disable")(operate.disable)
app.command("deny")(operate.deny)
app.add_typer(review.app, name="review")
app.command("tickets")(tickets.tickets)
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Run the command line: the entry point `interlock`."""
    app(prog_name="interlock")
