"""Reports that cron keeps: each hour the day's as it goes on, and after midnight the whole day that has ended."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from outcry.desk.common import jobs
from outcry.desk.telling import printing, spans, whole
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.store import database

FOLDER = "reports"
NAMES = {"hourly": "%Y-%m-%dT%H%z", "daily": "%Y-%m-%d"}  # the offset tells the two hours of an autumn night apart


def keep(floor: Floor, kind: str, *, if_due: bool) -> None:
    """Write today's report as it stands, or yesterday's, for people and for programs, under the local hour or day."""

    def work() -> str:
        at_ms = now_ms()
        settings = floor.settings
        span = spans.today(settings, at_ms) if kind == "hourly" else spans.day(settings, "yesterday", at_ms)
        with closing(database.ready(floor.database)) as db:
            answer = whole.build(db, floor, span, at_ms)
        about_ms = at_ms if kind == "hourly" else span.from_ms
        name = datetime.fromtimestamp(about_ms / 1000, UTC).astimezone(settings.zone()).strftime(NAMES[kind])
        folder = floor.folder / FOLDER
        folder.mkdir(exist_ok=True)
        _replace(folder / f"{name}.json", printing.as_text(answer, "json"))
        _replace(folder / f"{name}.txt", printing.as_text(answer, "text"))
        return name

    jobs.run(floor, f"report-{kind}", work, if_due=if_due)


def _replace(file: Path, text: str) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(f"{text}\n")
    draft.replace(file)
