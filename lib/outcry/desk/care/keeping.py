"""Reports that cron keeps: each hour's as the day goes on, and the day's a few minutes before it ends."""

import json
import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from outcry.desk import report
from outcry.desk.common import jobs
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.review.reports import today, today_text
from outcry.store import database

FOLDER = "reports"
NAMES = {"hourly": "%Y-%m-%dT%H%z", "daily": "%Y-%m-%d"}  # the offset tells the two hours of an autumn night apart


def keep(floor: Floor, kind: str, *, if_due: bool) -> None:
    """Write today's report as it stands, for people and for programs, under the local hour or day."""

    def work() -> str:
        at_ms = now_ms()
        with closing(database.read_only(floor.database)) as db:
            answer = report.build(db, floor.settings, None, at_ms)
        name = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(floor.settings.zone()).strftime(NAMES[kind])
        folder = floor.folder / FOLDER
        folder.mkdir(exist_ok=True)
        _replace(folder / f"{name}.json", json.dumps(today.as_json(answer), indent=2))
        _replace(folder / f"{name}.txt", today_text.as_text(answer))
        return name

    jobs.run(floor, f"report-{kind}", work, if_due=if_due)


def _replace(file: Path, text: str) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(f"{text}\n")
    draft.replace(file)
