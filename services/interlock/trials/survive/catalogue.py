"""Which faults there are, in the order in which they are drilled."""

from collections.abc import Sequence

from interlock.trials.survive.cells import brokers
from interlock.trials.survive.fault import Fault
from interlock.vocabulary.errors import ConfigurationError

FAULTS: tuple[Fault, ...] = (*brokers.FAULTS,)


def selected(only: Sequence[str], count: int) -> list[Fault]:
    """The faults with these names, in order; if none is named, all that so many brokers can have.

    Raises:
        ConfigurationError: There is no fault of such a name, or it needs more brokers.
    """
    known = {fault.name: fault for fault in FAULTS}
    for name in only:
        if name not in known:
            raise ConfigurationError(f"There is no fault {name!r}.", f"Name one of: {', '.join(known)}.")
        if known[name].brokers > count:
            raise ConfigurationError(f"{name} needs {known[name].brokers} brokers.", "Ask for --brokers 3.")
    return [fault for fault in FAULTS if (fault.name in only if only else _fits(fault, count))]


def _fits(fault: Fault, count: int) -> bool:
    """Whether a fault says something of so many brokers: the death of the only one is that of all three there."""
    return fault.brokers <= count and not (fault.name == "one-broker" and count > 1)
