"""A bar for long work on a terminal, and nothing at all where nobody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

More = Callable[[int], None]


@contextmanager
def bar(label: str, length: int, *, quiet: bool = False) -> Iterator[More]:
    """Hands over what to call with each piece that is done; `length` of them make the whole.

    quiet  as --quiet: none on a terminal either
    """
    if quiet or not sys.stderr.isatty():
        yield _unseen
        return
    with click.progressbar(length=length, label=label, file=sys.stderr, width=24) as shown:
        yield shown.update


def _unseen(_more: int) -> None:
    """Nobody watches."""
