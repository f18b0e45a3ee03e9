"""Where this copy of Outcry stands: in a checkout, or installed under a prefix.

`make install` writes PREFIX/etc/installed, a few lines NAME=VALUE that shell scripts read too. Where it is, programs
take settings and state from there, and root's runs leave root (bin/_here.py reads the same file). A checkout has none.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from outcry import __version__

HOME = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Place:
    """`name` is the floor's: its user, its units, its folders; "" in a checkout. `build` tells two builds apart."""

    name: str
    settings: Path
    state: Path
    build: str


@cache
def place(home: Path = HOME) -> Place:
    """Read once: a program that still runs when another build is installed goes on naming its own."""
    try:
        lines = (home / "etc" / "installed").read_text().splitlines()
    except FileNotFoundError:
        return Place("", home / "etc" / "floor.toml", home / "state", __version__)
    said = dict(line.split("=", 1) for line in lines)
    return Place(said["NAME"], Path(said["SETTINGS"]), Path(said["STATE"]), f"{__version__}+{said['BUILD']}")


def spoken(text: str) -> str:
    """Programs as people here call them: `bin/status` in a checkout, `kalshi status` where that is installed."""
    name = place().name
    return re.sub(r"(?<![\w/.])bin/(?=[a-z])", f"{name} ", text) if name else text


def starts(*programs: str) -> str:
    """A sentence: what starts programs here, named as they beat (`trader@momentum`); without names, all there are."""
    name = place().name
    if name:
        units = " ".join(f"{name}-{program}" for program in programs) or f"'{name}-*'"
        return f"systemctl start {units} starts {'it' if len(programs) == 1 else 'them'}."
    if not programs:
        return "bin/doctor says how to start them."
    by_hand = ", ".join(f"bin/{program.replace('@', ' ')}" for program in programs)
    return f"{by_hand} {'starts it' if len(programs) == 1 else 'start them'}."
