"""The record of a passed golive check, and the gate that asks for it: one of this machine, and of these limits."""

import hashlib
import platform
from dataclasses import asdict
from pathlib import Path

import msgspec

from outcry.domain.errors import Misconfigured
from outcry.domain.limits import Limits

RECORD = "golive.json"
MACHINE_ID = Path("/etc/machine-id")
_MEND = "run bin/golive"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was looked at, what was found, who said yes. `seal`: a hash over the rest; nobody edits it by mistake.

    evidence  one line a condition, as it was told
    limits    [risk] as it was reviewed
    """

    at_ms: int
    machine: str
    build: str
    who: str
    said: str
    evidence: dict[str, str]
    limits: dict[str, int]
    seal: str = ""


def sealed(record: Record) -> Record:
    return msgspec.structs.replace(record, seal=_seal(record))


def encode(record: Record) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=1)


def read(file: Path) -> Record:
    """Raises Misconfigured when there is none, or none that was written by bin/golive."""
    try:
        record = msgspec.json.decode(file.read_bytes(), type=Record)
    except FileNotFoundError:
        raise Misconfigured(f"environment 'production' needs {file}", f"{_MEND} on the paper floor") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} is no golive record: {error}", _MEND) from None
    if record.seal != _seal(record):
        raise Misconfigured(f"{file} is not as bin/golive wrote it", _MEND)
    return record


def check(file: Path, limits: Limits) -> None:
    """The gate. Raises Misconfigured, in one line, when it is shut."""
    record = read(file)
    if record.machine != machine():
        raise Misconfigured(f"{file} was written on another machine", "run bin/drill, then bin/golive --review, here")
    if changed := changes(record.limits, asdict(limits)):
        raise Misconfigured(f"limits changed since golive: {changed[0]}", "bin/golive --review, or set it back")


def changes(reviewed: dict[str, int], present: dict[str, int]) -> list[str]:
    """Limits that are not as they were reviewed, in words."""
    return [
        f"risk.{name} was {reviewed.get(name, 'unknown')}, is {present.get(name, 'unknown')}"
        for name in sorted(reviewed.keys() | present.keys())
        if reviewed.get(name) != present.get(name)
    ]


def machine() -> str:
    """Which machine this is: a hash of its id, which is not to be passed on; of its name, where it has none."""
    found = MACHINE_ID.read_text().strip() if MACHINE_ID.exists() else ""
    return hashlib.sha256(f"outcry {found or platform.node()}".encode()).hexdigest()[:16]


def _seal(record: Record) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(record, seal=""), order="sorted")).hexdigest()
