"""Real servers that letters are sent to, and the certificate they show."""

import datetime
import http.server
import ipaddress
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from outcry.ops.alerts.book import Letter, Level


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "server.crt", folder / "server.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


class MailServer:
    """aiosmtpd: STARTTLS and a password are asked for; `refusing`: what it says instead of taking a letter."""

    USER, PASSWORD = "floor", "pass word"

    def __init__(self, certificate_file: Path, key_file: Path, port: int = 0) -> None:
        self.letters: list[Any] = []
        self.refusing = ""
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate_file, key_file)
        self._controller = _Controller(self, port, self._context)
        self._controller.start()
        self._running = True
        self.port: int = self._controller.server.sockets[0].getsockname()[1]

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        if self.refusing:
            return self.refusing
        self.letters.append(envelope)
        return "250 taken"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (
            self.USER.encode(),
            self.PASSWORD.encode(),
        )
        return AuthResult(success=good, handled=False)

    def stop(self) -> None:
        if self._running:
            self._running = False
            self._controller.stop()


class _Controller(Controller):
    """With any free port."""

    def __init__(self, server: MailServer, port: int, context: ssl.SSLContext) -> None:
        self._owner, self._tls = server, context
        super().__init__(server, hostname="127.0.0.1", port=port)

    def factory(self) -> SMTP:
        return SMTP(
            self._owner, hostname="test", tls_context=self._tls, require_starttls=True, auth_required=True,
            authenticator=self._owner.authenticate,
        )  # fmt: skip

    def _trigger_server(self) -> None:
        """The base class would greet port 0."""
        with socket.create_connection(self.server.sockets[0].getsockname(), timeout=5) as greeting:
            greeting.recv(100)


class WebServer:
    """Keeps what is posted: (path, headers, body). `status`: what it answers."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.status = 200
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if 200 <= owner.status < 300:
                    owner.posts.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(owner.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def letter(**facts: Any) -> Letter:
    """One that is critical, unless asked otherwise."""
    base = {
        "letter_id": "abc", "subject": "[kalshi test] it bürns", "body": "here\n\nand there", "level": Level.CRITICAL,
        "escalated": False, "at_ms": 1_795_176_000_000,
    }  # fmt: skip
    return Letter(**(base | facts))
