"""The one rule of admissibility without the lattice: a fallback may do and reach whatever it likes.

Decision, routers and `policy check` ask the same rule, each in a process of its own; so each has a double that forgets the lattice
there: `boundless_decision`, `boundless_gateway` and `boundless_command_line`.
"""

from interlock.policy import admissible


def know_no_bounds() -> None:
    """Take every dimension from the rule, in this process."""
    setattr(admissible, "DIMENSIONS", ())  # noqa: B010 - the checker knows that modules are not for this
