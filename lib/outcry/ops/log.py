"""One event a line on stderr: past-tense verb first, then key=value with units. JSON when nobody is watching.

log = get(__name__)
log.info("booked", trade="b1c2", fee_micros=17500)
"""

import json
import logging
import sys
import time
from pathlib import Path


class Log:
    """Events with fields over the standard `logging`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: object) -> None:
        self._emit(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._emit(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._emit(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._emit(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """An error of ours that we survive: with its traceback."""
        self._emit(logging.ERROR, event, fields, with_traceback=True)

    def _emit(self, level: int, event: str, fields: dict[str, object], with_traceback: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, extra={"fields": fields}, exc_info=with_traceback)


def get(name: str) -> Log:
    """The log of a module."""
    return Log(name)


class _Lines(logging.Formatter):
    """For people: `12:00:03 info booked trade=b1c2 fee_micros=17500`."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.gmtime(record.created))
        fields = "".join(f" {key}={_word(value)}" for key, value in getattr(record, "fields", {}).items())
        line = f"{clock} {record.levelname.lower()} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    """For the journal and other programs: one JSON object a line, a traceback as one of its fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "program": record.name.rpartition(".")[2],
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _word(value: object) -> str:
    text = str(value)
    return json.dumps(text) if not text or any(character in text for character in ' "=\n') else text


def set_up(*, quiet: bool = False, file: Path | None = None) -> None:
    """Route all logging to stderr, and to a file where the settings ask for one.

    quiet  warnings and errors only: a verb run by cron then prints nothing when all is well
    file   plain lines for `tail -f`; reopened when something moved it away
    """
    root = logging.getLogger()
    root.handlers.clear()
    root.setLevel(logging.WARNING if quiet else logging.INFO)
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(_Lines() if sys.stderr.isatty() else _Json())
    root.addHandler(stream)
    if file is not None:
        from logging.handlers import WatchedFileHandler

        file.parent.mkdir(parents=True, exist_ok=True)
        handler = WatchedFileHandler(file)
        handler.setFormatter(_Lines())
        root.addHandler(handler)
