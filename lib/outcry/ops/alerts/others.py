"""Letters through the apprise library: a hundred services, each an address in the file apprise.urls."""

import sys

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops.alerts.book import Letter
from outcry.ops.alerts.secret import Secrets

ADDRESSES = "apprise.urls"


class Others:
    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def send(self, letter: Letter) -> None:
        """Raises Unavailable, or Misconfigured, when one of them did not take it."""
        try:
            import apprise
        except ModuleNotFoundError:
            raise Misconfigured("alerts.apprise needs a library", f"{sys.prefix}/bin/pip install apprise") from None
        services = apprise.Apprise()
        for number, url in enumerate(self._secrets.read(ADDRESSES).splitlines(), start=1):
            if url.strip() and not services.add(url.strip()):
                raise Misconfigured(f"{ADDRESSES}, line {number} is no address that apprise knows")
        if not len(services):
            raise Misconfigured(f"{ADDRESSES} is empty", "one address a line")
        if not services.notify(title=letter.subject, body=letter.body):
            raise Unavailable("a service of apprise.urls did not take it")
