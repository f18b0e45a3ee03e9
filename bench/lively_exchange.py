"""The embedded exchange with a crowd that does in a second what it otherwise does in several: for soaks.

python bench/lively_exchange.py TIMES --settings FILE --state FOLDER
"""

import sys
from dataclasses import replace

from outcry.ops import program
from outcry.ops.installed import HOME
from outcry.paper.events import SourceEvent
from outcry.paper.generate import source
from outcry.paper.generate.crowd import STEP_MS, Crowd


def lively(times: int) -> type[Crowd]:
    """A crowd that takes `times` steps where it is asked for one, one after the other within the same time."""

    class Lively(Crowd):
        def step(self, fair: float, at_ms: int) -> list[SourceEvent]:
            return [
                replace(event, at_ms=at_ms + (turn * STEP_MS + event.at_ms - at_ms) // times)
                for turn in range(times)
                for event in super(Lively, self).step(fair, at_ms)
            ]

    return Lively


if __name__ == "__main__":
    sys.path.insert(0, str(HOME / "bin"))
    import click

    from outcry.desk import exchange

    source.Crowd = lively(int(sys.argv.pop(1)))  # type: ignore[misc]

    @click.command()
    @program.options
    def main(floor: exchange.Floor) -> None:
        exchange.run(floor, exchange.Plan())

    program.start(main)
