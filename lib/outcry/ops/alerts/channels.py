"""The ways out that the settings name."""

from typing import Protocol

from outcry.ops.alerts.book import Letter
from outcry.ops.alerts.secret import Secrets
from outcry.ops.settings import Alerts


class Channel(Protocol):
    def send(self, letter: Letter) -> None:
        """Raises OutcryError, in words a person can use, when nobody took it."""


def configured(settings: Alerts, secrets: Secrets) -> dict[str, Channel]:
    """By name. Heavy libraries are read only where they are used."""
    found: dict[str, Channel] = {}
    if settings.mail_to:
        from outcry.ops.alerts.mail import Mail

        found["mail"] = Mail(settings, secrets)
    if settings.webhook:
        from outcry.ops.alerts.webhook import Webhook

        found["webhook"] = Webhook(settings.webhook, secrets)
    if settings.apprise:
        from outcry.ops.alerts.others import Others

        found["apprise"] = Others(secrets)
    return found
