"""Photograph a running demo with Chromium, for docs/pictures/: the page light, dark and on a phone, and a market."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page

HOME = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOME / "tests" / "support")]

import browsing  # noqa: E402
from outcry.ops.bar import bar  # noqa: E402

PICTURES = HOME / "docs" / "pictures"
PATIENCE_S = 120


def main(minutes: float) -> int:
    """Run a demo so long, then take the pictures while it goes on."""
    if browsing.why_not():
        print("no Chromium on this machine", file=sys.stderr)
        return 78
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        demo = [sys.executable, str(HOME / "bin" / "demo"), "--minutes", str(minutes + 5), "--state", folder]
        running = subprocess.Popen(demo, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            url = address(Path(folder) / "embedded" / "dashboard.url")
            with bar("the demo runs", int(minutes * 60)) as more:
                for _ in range(int(minutes * 60)):
                    time.sleep(1)
                    more(1)
            take(url)
        finally:
            running.terminate()
            running.wait()
    return 0


def address(file: Path) -> str:
    until = time.monotonic() + PATIENCE_S
    while not file.exists():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {PATIENCE_S} s for {file}")
        time.sleep(0.5)
    return file.read_text().strip()


def take(url: str) -> None:
    """Each picture, and how large its file became. Of a market that is open: none is for long, in a demo."""
    shots = {"dashboard": {}, "dashboard-dark": {"dark": True}, "dashboard-phone": {"phone": True}}
    until = time.monotonic() + PATIENCE_S
    with browsing.browser() as found:
        for name, how in shots.items():
            keep(live(found, url, **how), name)
        while (page := live(found, f"{url}market/{followed(url)}")).get_by_text("The book is empty.").count():
            if time.monotonic() > until:
                raise TimeoutError(f"waited {PATIENCE_S} s for an open market")
            page.close()
        keep(page, "market")


def live(found: Browser, url: str, **how: bool) -> Page:
    page, _ = browsing.opened(found, url, **how)
    page.get_by_text("live", exact=True).wait_for()
    return page


def followed(url: str) -> str:
    """The last of the markets that are followed just now."""
    with urllib.request.urlopen(f"{url}status") as answer:
        ticker: str = json.load(answer)["collection_status"]["markets_tracked"][-1]
        return ticker


def keep(page: Page, name: str) -> None:
    file = PICTURES / f"{name}.png"
    page.screenshot(path=file)
    print(f"{file.relative_to(HOME)} {file.stat().st_size // 1024} KB")


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
