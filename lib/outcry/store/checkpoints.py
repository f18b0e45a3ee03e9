"""Warm state in JSON beside the database: for speed, never for truth. A bad one means a cold start and a log line."""

import os
from pathlib import Path

import msgspec

from outcry import failpoints

VERSION = 1


class Envelope(msgspec.Struct):
    """What a checkpoint file holds, around the program's own payload."""

    version: int
    name: str
    saved_at_ms: int
    payload: dict[str, object]


def save(folder: Path, name: str, payload: dict[str, object], now_ms: int) -> None:
    """Write to a neighbour, fsync, rename over: a reader sees the old one or the new one, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    neighbour = folder / f".{name}.tmp"  # one of that name saves at a time; what a killed one left is written over
    body = msgspec.json.encode(Envelope(VERSION, name, now_ms, payload))
    try:
        with neighbour.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        failpoints.reached("checkpoint.written")
        neighbour.replace(folder / f"{name}.json")
    finally:
        neighbour.unlink(missing_ok=True)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def load(folder: Path, name: str, now_ms: int) -> tuple[dict[str, object] | None, str]:
    """The payload of a checkpoint, or None and why there is none: missing, torn, alien, another version, the future.

    returns  (payload, "") or (None, reason)
    """
    file = folder / f"{name}.json"
    try:
        envelope = msgspec.json.decode(file.read_bytes(), type=Envelope)
    except FileNotFoundError:
        return None, "missing"
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, f"unreadable: {error}"
    if envelope.version != VERSION:
        return None, f"version {envelope.version}, this build writes {VERSION}"
    if envelope.name != name:
        return None, f"belongs to {envelope.name}"
    if envelope.saved_at_ms > now_ms + 60_000:
        return None, "saved in the future"
    return envelope.payload, ""
