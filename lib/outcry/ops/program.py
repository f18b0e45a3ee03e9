"""The same options, the same exit codes and the same manners for every program in bin/."""

import functools
import os
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from outcry.domain.errors import Misconfigured, OutcryError, Unavailable
from outcry.ops import log
from outcry.ops.installed import place, spoken

_FILE = "outcry.settings_file"
_ALONE = "-"  # what --settings stands for without a file, where that is allowed
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a program's settings and state folder came from. `show`: --settings stood alone, to have them printed."""

    settings: Path
    settings_from: str
    state_from: str
    show: bool


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command --settings, --state and --quiet, and hand it the `floor` they describe."""
    return _options(command)


def options_and_sources(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, where --settings may stand alone; hands over `sources` too."""
    return _options(command, may_show=True, gated=False)


def options_behind_no_gate(command: Callable[..., Any]) -> Callable[..., Any]:
    """As `options`, for programs that enter nothing and have to work while the gate to real money is shut.

    Who looks, warns, copies or stops must not be stopped by a missing record.
    """
    return _options(command, gated=False)


def settings_in_use() -> Path:
    """The settings file of the running program."""
    file: Path = click.get_current_context().meta[_FILE]
    return file


def _options(command: Callable[..., Any], *, may_show: bool = False, gated: bool = True) -> Callable[..., Any]:
    alone: dict[str, Any] = {"is_flag": False, "flag_value": _ALONE} if may_show else {}

    @click.option("--settings", "settings_file", type=click.Path(path_type=Path), envvar="OUTCRY_SETTINGS",
                  help="Settings file  [default: etc/floor.toml, or /etc/kalshi/floor.toml]"
                  + ("; alone: print what they come to" if may_show else ""), **alone)  # fmt: skip
    @click.option("--state", "state", type=click.Path(file_okay=False, path_type=Path), envvar="OUTCRY_STATE",
                  help="State folder  [default: state, or /var/lib/kalshi]")  # fmt: skip
    @click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
    @functools.wraps(command)
    def with_floor(*arguments: Any, settings_file: Path | None, state: Path | None, quiet: bool, **more: Any) -> Any:
        from outcry.ops import floor as floors
        from outcry.ops import settings

        if show := settings_file == Path(_ALONE):
            settings_file = Path(os.environ["OUTCRY_SETTINGS"]) if os.environ.get("OUTCRY_SETTINGS") else None
        file = click.get_current_context().meta[_FILE] = settings_file or place().settings
        loaded = settings.load(file)
        floor = floors.open_floor(loaded, state or place().state, quiet=quiet, gated=gated)
        log.set_up(quiet=quiet, file=floor.folder / "log" / "kalshi.log" if loaded.logs.file else None)
        _log.debug("opened", environment=loaded.environment, state=floor.folder)
        if may_show:
            said_by = "default" if settings_file is None else "OUTCRY_SETTINGS" if show else _said_by("settings_file")
            more["sources"] = Sources(file, said_by, _said_by("state"), show)
        return command(*arguments, floor=floor, **more)

    return with_floor


def _said_by(option: str) -> str:
    source = click.get_current_context().get_parameter_source(option)
    words = {ParameterSource.COMMANDLINE: "command line", ParameterSource.ENVIRONMENT: "environment variable"}
    return words.get(source, "default") if source else "default"


def start(command: click.Command) -> None:
    """Run a program to its end: errors become one line and their exit code (see domain/errors)."""
    log.set_up()
    name = os.path.basename(sys.argv[0])  # noqa: PTH119
    try:
        sys.exit(command.main(prog_name=name, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except OutcryError as error:
        _complain(name, str(error))
        sys.exit(error.exit_code)
    except sqlite3.Error as error:
        _complain(name, f"the database refused: {error} (bin/status shows who holds it)")
        sys.exit(Unavailable.exit_code)
    except PermissionError as error:
        _complain(name, f"{error.filename}: {error.strerror} (check who owns it, and as whom you run)")
        sys.exit(Misconfigured.exit_code)


def _complain(name: str, what: str) -> None:
    click.echo(f"{name}: {spoken(what)}", err=True)
