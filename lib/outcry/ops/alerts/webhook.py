"""Letters to a web address: ntfy's way, or plain JSON. The address is a secret: who knows it may write there."""

from urllib.parse import urlsplit

import requests

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops.alerts.book import Letter, Level
from outcry.ops.alerts.secret import Secrets

TIMEOUT_S = (5.0, 10.0)
ADDRESS, TOKEN = "webhook.url", "webhook.token"
_PRIORITY = {Level.LOG: 2, Level.DIGEST: 3, Level.CRITICAL: 5}


class Webhook:
    """kind  'ntfy' (the address ends in the topic) or 'json'."""

    def __init__(self, kind: str, secrets: Secrets) -> None:
        self._kind, self._secrets = kind, secrets

    def send(self, letter: Letter) -> None:
        """Raises Unavailable, or Misconfigured, when nobody took it. The address is in no message."""
        url = self._secrets.read(ADDRESS)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured(f"{ADDRESS} holds no web address", "like https://ntfy.sh/TOPIC")
        body = _plain(letter)
        if self._kind == "ntfy":
            base, _, topic = url.rstrip("/").rpartition("/")
            url, body = base, _ntfy(letter, topic)
        token = self._secrets.maybe(TOKEN)
        try:
            answer = requests.post(
                url,
                json=body,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                timeout=TIMEOUT_S,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unavailable(f"{parts.hostname} cannot be reached ({type(error).__name__})") from None
        if not 200 <= answer.status_code < 300:
            raise Unavailable(f"{parts.hostname} refuses: {answer.status_code}", f"look at {ADDRESS} and {TOKEN}")


def _plain(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.letter_id,
        "level": letter.level,
        "escalated": letter.escalated,
        "title": letter.subject,
        "text": letter.body,
        "at_ms": letter.at_ms,
    }


def _ntfy(letter: Letter, topic: str) -> dict[str, object]:
    return {
        "topic": topic,
        "title": letter.subject,
        "message": letter.body,
        "priority": _PRIORITY[letter.level],
        "tags": ["rotating_light"] if letter.level is Level.CRITICAL else [],
    }
