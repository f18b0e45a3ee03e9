"""Letters against real servers: taken, refused, and nobody there; secrets stay secret."""

import email
import email.policy
import stat

import pytest

from letters import MailServer, letter
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops.alerts.channels import configured
from outcry.ops.alerts.mail import Mail
from outcry.ops.alerts.webhook import Webhook
from outcry.ops.settings import Alerts


def settings(server, **more) -> Alerts:
    facts = {
        "mail_to": ("me@example.org",), "escalate_to": ("boss@example.org",), "smtp_host": "127.0.0.1",
        "smtp_port": server.port, "smtp_user": MailServer.USER,
    }  # fmt: skip
    return Alerts(**(facts | more))


# ---- mail -----------------------------------------------------------------------------------------------------------


def test_a_letter_goes_over_tls_with_a_password(mail_server, secrets, secret):
    secret("smtp.password", MailServer.PASSWORD)
    Mail(settings(mail_server), secrets).send(letter())
    (envelope,) = mail_server.letters
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert envelope.rcpt_tos == ["me@example.org"]
    assert message["Subject"] == "[kalshi test] it bürns"
    assert message.get_content().replace("\r\n", "\n") == "here\n\nand there\n"
    assert (message["Message-ID"], message["Auto-Submitted"]) == ("<abc@outcry>", "auto-generated")


def test_an_escalation_goes_to_more_people(mail_server, secrets, secret):
    secret("smtp.password", MailServer.PASSWORD)
    Mail(settings(mail_server), secrets).send(letter(escalated=True))
    assert mail_server.letters[0].rcpt_tos == ["me@example.org", "boss@example.org"]


def test_a_wrong_password_is_named_and_not_shown(mail_server, secrets, secret):
    secret("smtp.password", "hunter2")
    with pytest.raises(Unavailable, match=r"refuses user floor \(535\)") as failure:
        Mail(settings(mail_server), secrets).send(letter())
    assert "hunter2" not in str(failure.value)
    assert mail_server.letters == []


def test_a_password_that_no_log_in_can_carry_is_a_mistake_in_one_line(mail_server, secrets, secret):
    secret("smtp.password", "pâss")
    with pytest.raises(Misconfigured, match="not plain ASCII"):
        Mail(settings(mail_server), secrets).send(letter())


def test_a_refusal_is_told_in_the_servers_words(mail_server, secrets, secret):
    secret("smtp.password", MailServer.PASSWORD)
    mail_server.refusing = "552 too much mail"
    with pytest.raises(Unavailable, match="552 too much mail"):
        Mail(settings(mail_server), secrets).send(letter())


def test_a_server_that_nobody_vouches_for_gets_no_password(mail_server, secrets, secret, monkeypatch):
    secret("smtp.password", MailServer.PASSWORD)
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Unavailable, match="certificate verify failed"):
        Mail(settings(mail_server), secrets).send(letter())


def test_nobody_there(mail_server, secrets, secret):
    secret("smtp.password", MailServer.PASSWORD)
    port = mail_server.port
    mail_server.stop()
    with pytest.raises(Unavailable, match=f"127.0.0.1:{port} cannot be reached"):
        Mail(settings(mail_server), secrets).send(letter())


def test_a_password_never_travels_in_the_clear():
    with pytest.raises(Misconfigured, match="in the clear"):
        configured(Alerts(mail_to=("a@b",), smtp_host="mail.example.org", smtp_user="x", smtp_tls="none"), None)


def test_sendmail_gets_the_whole_letter(secrets, tmp_path, monkeypatch):
    program, kept = tmp_path / "sendmail", tmp_path / "kept"
    program.write_text(f'#!/bin/sh\necho "$@" > {kept}\ncat >> {kept}\n')
    program.chmod(0o755)
    monkeypatch.setattr("outcry.ops.alerts.mail.SENDMAIL", (str(program),))
    Mail(Alerts(mail_to=("me@example.org",)), secrets).send(letter())
    first, _, rest = kept.read_text().partition("\n")
    assert first == "-t -oi"
    assert email.message_from_string(rest)["To"] == "me@example.org"
    program.write_text("#!/bin/sh\necho no such mailbox >&2\nexit 67\n")
    with pytest.raises(Unavailable, match="no such mailbox"):
        Mail(Alerts(mail_to=("me@example.org",)), secrets).send(letter())


def test_a_machine_without_sendmail_says_what_to_do(secrets, monkeypatch):
    monkeypatch.setattr("outcry.ops.alerts.mail.SENDMAIL", ("/nowhere/sendmail",))
    with pytest.raises(Misconfigured, match=r"alerts\.smtp_host"):
        Mail(Alerts(mail_to=("me@example.org",)), secrets).send(letter())


# ---- the web --------------------------------------------------------------------------------------------------------


def test_plain_json_with_a_token(web_server, secrets, secret):
    secret("webhook.url", f"{web_server.url}/hook?k=1")
    secret("webhook.token", "tok")
    Webhook("json", secrets).send(letter(escalated=True))
    ((path, headers, body),) = web_server.posts
    assert (path, headers["Authorization"]) == ("/hook?k=1", "Bearer tok")
    assert body == {
        "id": "abc", "level": "critical", "escalated": True, "title": "[kalshi test] it bürns",
        "text": "here\n\nand there", "at_ms": 1_795_176_000_000,
    }  # fmt: skip


def test_ntfy_gets_topic_and_priority(web_server, secrets, secret):
    secret("webhook.url", f"{web_server.url}/my-floor")
    Webhook("ntfy", secrets).send(letter())
    ((path, _, body),) = web_server.posts
    assert (path, body["topic"], body["priority"]) == ("/", "my-floor", 5)
    assert (body["title"], body["message"]) == ("[kalshi test] it bürns", "here\n\nand there")


@pytest.mark.parametrize("status", [302, 401, 500])
def test_anything_but_yes_is_no(web_server, secrets, secret, status):
    secret("webhook.url", f"{web_server.url}/secret-topic")
    web_server.status = status
    with pytest.raises(Unavailable, match=str(status)) as failure:
        Webhook("json", secrets).send(letter())
    assert "secret-topic" not in str(failure.value)


def test_a_web_server_that_is_gone_is_named_without_the_secret(web_server, secrets, secret):
    secret("webhook.url", f"{web_server.url}/secret-topic")
    web_server.stop()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be reached") as failure:
        Webhook("json", secrets).send(letter())
    assert "secret-topic" not in str(failure.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise's own imports
def test_apprise_takes_any_of_its_addresses(web_server, secrets, secret):
    secret("apprise.urls", web_server.url.replace("http://", "json://") + "/there")
    configured(Alerts(apprise=True), secrets)["apprise"].send(letter())
    assert web_server.posts[0][2]["title"] == "[kalshi test] it bürns"
    web_server.status = 500
    with pytest.raises(Unavailable):
        configured(Alerts(apprise=True), secrets)["apprise"].send(letter())
    secret("apprise.urls", "nonsense")
    with pytest.raises(Misconfigured, match="line 1"):
        configured(Alerts(apprise=True), secrets)["apprise"].send(letter())


# ---- secrets --------------------------------------------------------------------------------------------------------


def test_a_secret_that_others_may_read_is_none(secrets, secret):
    file = secret("webhook.url", "https://ntfy.sh/x")
    file.chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        secrets.read("webhook.url")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_credentials_come_first_then_the_variable(secrets, secret, tmp_path, monkeypatch):
    secret("smtp.password", "of the floor")
    assert secrets.read("smtp.password") == "of the floor"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("OUTCRY_SMTP_PASSWORD_FILE", str(secret("elsewhere/mine", "of the variable")))
    assert secrets.read("smtp.password") == "of the variable"
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "smtp.password").write_text("of systemd")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert secrets.read("smtp.password") == "of systemd"
