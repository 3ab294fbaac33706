"""Which faults there are, in the order in which they are drilled."""

from collections.abc import Sequence

from interlock.trials.survive.cells import brokers, clocks, flows, processes, stuck
from interlock.trials.survive.fault import Fault
from interlock.vocabulary.errors import ConfigurationError

FAULTS: tuple[Fault, ...] = (*brokers.FAULTS, *processes.FAULTS, *stuck.FAULTS, *flows.FAULTS, *clocks.FAULTS)


def selected(only: Sequence[str], count: int) -> list[Fault]:
    """The faults with these names, in order; if none is named, all that so many brokers can have.

    Raises:
        ConfigurationError: There is no fault of such a name, or not with so many brokers.
    """
    known = {fault.name: fault for fault in FAULTS}
    for name in only:
        if name not in known:
            raise ConfigurationError(f"There is no fault {name!r}.", f"Name one of: {', '.join(known)}.")
        if not _fits(known[name], count):
            needed = f"{known[name].brokers} broker{'s' if known[name].brokers > 1 else ''}"
            raise ConfigurationError(f"{name} needs {needed}.", f"Ask for --brokers {known[name].brokers}.")
    return [fault for fault in FAULTS if (fault.name in only if only else _fits(fault, count))]


def _fits(fault: Fault, count: int) -> bool:
    """Whether so many brokers can have a fault."""
    return fault.brokers <= count <= fault.brokers_max
