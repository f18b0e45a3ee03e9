"""What the settings come to, line by line, and where each value came from. No secret is among them: keys are files."""

import json
import os
import tomllib
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from outcry.domain.errors import OutcryError
from outcry.ops.floor import Floor
from outcry.ops.program import Sources


def run(floor: Floor, sources: Sources) -> None:
    """Print them; lines can be pasted into a settings file."""
    given = tomllib.loads(sources.settings.read_text())
    for line in [*_places(floor, sources), *_values(msgspec.to_builtins(floor.settings), given, str(sources.settings))]:
        click.echo(line)


def _places(floor: Floor, sources: Sources) -> Iterator[str]:
    yield f"# settings  {sources.settings}  # {sources.settings_from}"
    yield f"# state     {floor.folder}  # {sources.state_from}"
    key_from = "credential" if os.environ.get("CREDENTIALS_DIRECTORY") else "OUTCRY_KEY_FILE"
    key_from = "state folder" if floor.key_file.parent == floor.folder else key_from
    yield f"# key       {floor.key_file}  # {key_from}"
    try:
        addresses = floor.addresses()
    except OutcryError as error:
        yield f"# exchange  {error}"
        return
    where = str(floor.exchange_file) if floor.local else "[exchange], else the environment's own"
    yield f"# exchange  {addresses.rest_url} {addresses.stream_url}  # {where}"
    yield f"# spot      {addresses.spot_url}  # {where}"


def _values(values: dict[str, Any], given: Any, file: str, path: str = "") -> Iterator[str]:
    for key, value in values.items():
        said = isinstance(given, dict) and key in given
        inner = given[key] if said else {}
        if isinstance(value, dict) and value:
            yield from _values(value, inner, file, f"{path}{key}.")
        else:
            yield f"{path}{key} = {_toml(value)}  # {file if said else 'default'}"


def _toml(value: Any) -> str:
    return "{}" if value == {} else json.dumps(value, ensure_ascii=False)
