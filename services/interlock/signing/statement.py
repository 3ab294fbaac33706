"""What every signed record can say of itself, so that the verifier can hold its signer to it."""


class Statement:
    """Base of every record that is signed."""

    __slots__ = ()

    def said_by(self) -> str | None:
        """The owner who must have signed it, where the record names its speaker (a reporter, a router)."""
        return None

    def concerns(self) -> str | None:
        """The agent it is about, where an agent owner's grant is bound to agents; `*` is all of them."""
        return None
