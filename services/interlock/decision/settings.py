"""Settings of the decision service."""

from pathlib import Path

from interlock.runtime.settings import Name, ServiceSettings


class DecisionSettings(ServiceSettings):
    """What the decision service must know.

    Attributes:
        owner: Its name in the trust root; also its lasting name in the consumer group.
        key: Its private key.
    """

    owner: Name
    key: Path
