"""A mail server and a web server that are really there, and the secrets for them."""

from pathlib import Path

import pytest

from letters import MailServer, WebServer, certificate
from outcry.ops.alerts.secret import Secrets


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path)


@pytest.fixture
def secret(tmp_path: Path):
    """Write a secret, readable by its owner only."""

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.write_text(f"{text}\n")
        file.chmod(0o600)
        return file

    return write


@pytest.fixture(scope="session")
def vouched(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def mail_server(vouched, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(vouched[0]))
    server = MailServer(*vouched)
    yield server
    server.stop()


@pytest.fixture
def web_server():
    server = WebServer()
    yield server
    server.stop()
