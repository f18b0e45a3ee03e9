"""Whole texts kept in tests/golden/, compared letter by letter; `make golden` writes them anew."""

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "golden"
ANEW = "OUTCRY_GOLDEN"


def compare(name: str, text: str) -> None:
    """Fail where a text is not what its file holds."""
    file = FOLDER / name
    if os.environ.get(ANEW):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(f"{text}\n")
    assert text + "\n" == file.read_text(), f"{name} differs: if it should, `make golden` writes it anew"
