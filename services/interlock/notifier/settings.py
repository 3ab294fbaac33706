"""Settings of the notifier. Whom to tell is not among them: only signed policies say that."""

from pathlib import Path

from interlock.runtime.settings import Name, ServiceSettings


class NotifierSettings(ServiceSettings):
    """What the notifier must know.

    Attributes:
        owner: Its name in the trust root.
        key: Its private key: it seals the notices and signs the webhooks.
    """

    owner: Name
    key: Path
