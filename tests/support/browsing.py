"""A real browser: Debian's Chromium without a screen, and what its pages said on their console."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def why_not() -> str:
    """Why no browser can be started here; "" when one can."""
    return "" if _chromium() else "no Chromium on this machine: this test looks at pages with it"


@contextmanager
def browser() -> Iterator[Browser]:
    """One browser with an empty profile."""
    with sync_playwright() as engine:
        found = engine.chromium.launch(executable_path=_chromium(), args=list(QUIET))
        try:
            yield found
        finally:
            found.close()


def opened(found: Browser, url: str, *, phone: bool = False, dark: bool = False) -> tuple[Page, list[str]]:
    """A page, and a list that grows with what goes wrong on it: errors on its console, and failures in its script."""
    page = found.new_page(viewport=PHONE if phone else DESKTOP, color_scheme="dark" if dark else "light")
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    return page, errors


def _chromium() -> str:
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""
