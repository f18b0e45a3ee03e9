"""Faults from a file: TOML with a table `[[fault]]` for each, or a JSON object a line."""

import tomllib
from pathlib import Path

import msgspec

from outcry.domain.errors import Misconfigured
from outcry.paper.faults.faults import Fault


def load(file: Path) -> tuple[Fault, ...]:
    """The faults of a file, in its order.

    raises  Misconfigured when it cannot be read, or one of them cannot be
    """
    try:
        text = file.read_text()
        faults = _of_toml(text) if file.suffix == ".toml" else _of_lines(text)
    except OSError as error:
        raise Misconfigured(f"cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file}: {error}", "see bin/exchange --help") from None
    for fault in faults:
        fault.check()
    return faults


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    fault: tuple[Fault, ...] = ()


def _of_toml(text: str) -> tuple[Fault, ...]:
    return msgspec.convert(tomllib.loads(text), _Table).fault


def _of_lines(text: str) -> tuple[Fault, ...]:
    return tuple(msgspec.json.decode(line, type=Fault) for line in text.splitlines() if line.strip())
