"""One tree of exceptions, grouped by whose fault it is.

An *expected* outcome (a refused envelope, a held change) is a value with a `Reason`, never an exception. What is raised
is unexpected, and each exception says the next step to the person who reads it.
"""


class InterlockError(Exception):
    """Root of the tree: what went wrong, and what to do next.

    Args:
        message: What went wrong, one sentence.
        mend: What the reader should do about it, one sentence.
    """

    exit_code = 1

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(f"{message} {mend}".strip())
        self.message = message
        self.mend = mend


class ConfigurationError(InterlockError):
    """The operator's: settings, files, keys or command-line arguments that cannot work."""

    exit_code = 2


class PeerError(InterlockError):
    """The other side's: bytes or answers that break the contract."""

    exit_code = 1


class InfrastructureError(InterlockError):
    """Nobody's in particular: a broker or peer cannot be reached. Worth trying again."""

    exit_code = 3


class InvariantError(InterlockError):
    """Ours: a promise of the code does not hold. Stop, rather than continue wrong."""

    exit_code = 1
