"""Letters by mail: an SMTP server over TLS, with a password, or this machine's sendmail."""

import smtplib
import socket
import ssl
import subprocess
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops import log
from outcry.ops.alerts.book import Letter
from outcry.ops.alerts.secret import Secrets
from outcry.ops.settings import Alerts

TIMEOUT_S = 15.0
SENDMAIL = ("/usr/sbin/sendmail", "/usr/lib/sendmail")
PASSWORD = "smtp.password"
LOOPBACK = ("localhost", "127.0.0.1", "::1")

_log = log.get(__name__)


class Mail:
    """
    raises  Misconfigured for a password that would travel in the clear
    """

    def __init__(self, settings: Alerts, secrets: Secrets) -> None:
        self._settings, self._secrets = settings, secrets
        if settings.smtp_user and settings.smtp_tls == "none" and settings.smtp_host not in LOOPBACK:
            raise Misconfigured("alerts.smtp_tls = 'none' would send the password in the clear", "'starttls' or 'tls'")

    def send(self, letter: Letter) -> None:
        """Raises Unavailable, or Misconfigured, when nobody took it."""
        self.post(self._message(letter))

    def post(self, message: EmailMessage) -> None:
        """A whole message, to whom its header names. Raises Unavailable, or Misconfigured, when nobody took it."""
        if self._settings.smtp_host:
            self._by_smtp(message)
        else:
            _by_sendmail(message)

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = " ".join(letter.subject.split())
        message["From"] = self._settings.mail_from
        to = [*self._settings.mail_to, *(self._settings.escalate_to if letter.escalated else ())]
        message["To"] = ", ".join(dict.fromkeys(to))
        message["Date"] = formatdate(letter.at_ms / 1000)
        message["Message-ID"] = f"<{letter.letter_id}@outcry>"  # the same again, should it ever be sent twice
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body)
        return message

    def _by_smtp(self, message: EmailMessage) -> None:
        settings = self._settings
        where = f"{settings.smtp_host}:{settings.smtp_port}"
        password = self._secrets.read(PASSWORD) if settings.smtp_user else ""
        if not password.isascii() or not settings.smtp_user.isascii():
            raise Misconfigured("the mail password or user is not plain ASCII", "a log-in by SMTP cannot carry it")
        try:
            with self._connect() as server:
                if settings.smtp_tls == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if settings.smtp_user:
                    server.login(settings.smtp_user, password)
                refused = server.send_message(message)
        except smtplib.SMTPAuthenticationError as error:
            raise Unavailable(f"{where} refuses user {settings.smtp_user} ({error.smtp_code})",
                              f"look at {PASSWORD}") from None  # fmt: skip
        except smtplib.SMTPResponseException as error:
            raise Unavailable(f"{where} refuses: {error.smtp_code} {_text(error.smtp_error)}") from None
        except smtplib.SMTPRecipientsRefused as error:
            raise Unavailable(f"{where} refuses {', '.join(error.recipients)}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(f"{where} cannot be reached: {error}") from None
        for recipient, (code, why) in refused.items():  # the others have it: sending again would send it twice
            _log.warning("refused_recipient", recipient=recipient, code=code, why=_text(why))

    def _connect(self) -> smtplib.SMTP:
        host, port = self._settings.smtp_host, self._settings.smtp_port
        name = socket.gethostname() or "localhost"
        if self._settings.smtp_tls == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=TIMEOUT_S, context=context)
        return smtplib.SMTP(host, port, local_hostname=name, timeout=TIMEOUT_S)


def _by_sendmail(message: EmailMessage) -> None:
    program = next((name for name in SENDMAIL if Path(name).exists()), None)
    if program is None:
        raise Misconfigured("no sendmail on this machine", "set alerts.smtp_host, or install a mail server")
    try:
        done = subprocess.run(
            [program, "-t", "-oi"], input=message.as_bytes(), capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{program} did not answer within {TIMEOUT_S:g} s") from None
    if done.returncode:
        raise Unavailable(f"{program} refuses: {done.stderr.decode(errors='replace').strip()[:200]}")


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
