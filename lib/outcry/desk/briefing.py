"""The morning briefing: made, kept in the floor's folder, and sent once a day."""

import base64
import os
from collections.abc import Mapping
from contextlib import closing
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

import click

from outcry.desk.common import jobs
from outcry.desk.telling import gathering
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops import log
from outcry.ops.alerts.mail import Mail
from outcry.ops.alerts.secret import Secrets
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import spoken
from outcry.review.reports import pictures
from outcry.review.reports.briefing import Briefing, subject
from outcry.review.reports.briefing_html import as_html
from outcry.review.reports.briefing_text import as_text
from outcry.store import database

FOLDER, JOB = "briefings", "briefing"

_log = log.get(__name__)


def show(floor: Floor) -> None:
    """Print the text. Raises Misconfigured when there is no database yet."""
    click.echo(_text(_read(floor, now_ms())))


def write_page(floor: Floor, file: Path) -> None:
    """Write the page, pictures inside it. Raises Misconfigured when it cannot be written there."""
    one = _read(floor, now_ms())
    try:
        file.write_text(_page(one, _inside(drawn(one))))
    except OSError as error:
        raise Misconfigured(f"cannot write {file}: {error.strerror}", "another --html FILE") from None
    if not floor.quiet:
        click.echo(file)


def send(floor: Floor, *, if_due: bool) -> int:
    """Keep it and send it; where the settings name nobody, only keep it.

    if_due   cron asks: once a day; what could not be sent is tried again at the next asking, in silence
    returns  1 when cron asked and nobody took it
    raises   Unavailable or Misconfigured when a person asks and nobody took it
    """
    alerts = floor.settings.alerts

    def work() -> str:
        at_ms = now_ms()
        one = _read(floor, at_ms)
        message = compose(floor, one, at_ms)
        _keep(floor, one, message)
        if not alerts.mail_to:
            return f"{one.day}: kept; alerts.mail_to names nobody"
        Mail(alerts, Secrets(floor.folder)).post(message)
        return f"{one.day}: sent to {', '.join(alerts.mail_to)}"

    try:
        did = jobs.run(floor, JOB, work, if_due=if_due)
    except (Unavailable, Misconfigured) as error:
        if not if_due:
            raise
        _log.info("failed_to_brief", error=str(error))  # the job's row says it, and bin/status
        return 1
    if did and not floor.quiet:
        kept = floor.folder / FOLDER
        click.echo(f"{'sent, and ' if alerts.mail_to else 'nobody to send it to (alerts.mail_to); '}kept in {kept}")
    return 0


def compose(floor: Floor, one: Briefing, at_ms: int) -> EmailMessage:
    """The mail: text, and the page with its pictures beside it. The same day's is the same message, if sent twice."""
    facts = one.today.report.floor
    message = EmailMessage()
    message["Subject"] = f"[kalshi {facts.environment}] {subject(one)}"
    message["From"] = floor.settings.alerts.mail_from
    message["To"] = ", ".join(floor.settings.alerts.mail_to)
    message["Date"] = formatdate(at_ms / 1000)
    message["Message-ID"] = f"<briefing-{facts.floor_id}-{one.day}@outcry>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(one))
    images = drawn(one)
    ids = {name: f"{name}-{one.day}@outcry" for name in images}
    message.add_alternative(_page(one, {name: f"cid:{cid}" for name, cid in ids.items()}), subtype="html")
    *_, page = message.iter_parts()
    for name, image in images.items():
        page.add_related(image, "image", "png", cid=f"<{ids[name]}>", disposition="inline", filename=f"{name}.png")
    return message


def _text(one: Briefing) -> str:
    return spoken(as_text(one))


def _page(one: Briefing, pictures: Mapping[str, str]) -> str:
    return spoken(as_html(one, pictures))


def drawn(one: Briefing) -> dict[str, bytes]:
    """The pictures that the page shows, by name."""
    found = {}
    if len(one.equity) > 1:
        found["equity"] = pictures.curve([point.equity_micros for point in one.equity])
    if one.results:
        found["results"] = pictures.bars([result for _, result in one.results])
    return found


def _inside(images: Mapping[str, bytes]) -> dict[str, str]:
    return {name: f"data:image/png;base64,{base64.b64encode(image).decode()}" for name, image in images.items()}


def _read(floor: Floor, at_ms: int) -> Briefing:
    with closing(database.ready(floor.database)) as db:
        return gathering.build(db, floor, at_ms)


def _keep(floor: Floor, one: Briefing, message: EmailMessage) -> None:
    """As text, as a page that any browser shows, and as the mail."""
    folder = floor.folder / FOLDER
    folder.mkdir(exist_ok=True)
    page = _page(one, _inside(drawn(one)))
    for kind, content in (("txt", _text(one).encode()), ("html", page.encode()), ("eml", message.as_bytes())):
        file = folder / f"{one.day}.{kind}"
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_bytes(content)
        draft.replace(file)
