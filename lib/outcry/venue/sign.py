"""Request signing: RSA-PSS or Ed25519, chosen by the key that was parsed, never by the header of its file.

What is signed is timestamp + METHOD + path: the decimal milliseconds, the upper-case method and the whole path from
the host's root, without the query. The signature travels as base64. Source: the exchange's API reference, "API keys".
The key is parsed once (re-reading a PEM costs a hundred signatures) and never printed, not even in a traceback.
"""

import base64
import binascii
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from outcry.domain.errors import Misconfigured

PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey
PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

KEY_HEADER = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER = "KALSHI-ACCESS-SIGNATURE"

_SHA256 = hashes.SHA256()
_PSS = padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=padding.PSS.DIGEST_LENGTH)


class Signer:
    """A parsed private key and its public id; makes the three headers of a signed request."""

    __slots__ = ("_key", "key_id")

    def __init__(self, key: PrivateKey, key_id: str) -> None:
        self._key = key
        self.key_id = key_id

    def __repr__(self) -> str:
        return f"Signer({self.key_id!r})"

    def headers(self, method: str, path: str, at_ms: int) -> dict[str, str]:
        """Headers for one request. `path` begins at the host's root; a query in it is left out of the signature."""
        timestamp = str(at_ms)
        return {
            KEY_HEADER: self.key_id,
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: base64.b64encode(self._sign(_payload(timestamp, method, path))).decode("ascii"),
        }

    def _sign(self, payload: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(payload, _PSS, _SHA256)
        return self._key.sign(payload)


def load_key(path: Path, key_id: str) -> Signer:
    """Read a private key file that nobody else may read.

    raises  Misconfigured when the file is missing, readable by others, no private key, or of another kind
    """
    if not key_id.strip():
        raise Misconfigured("the API key has no id", "put the key id beside the key file")
    try:
        _refuse_if_shared(path)
        pem = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"cannot read private key {path}: {error.strerror}") from None
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise Misconfigured(f"{path} holds no unencrypted PEM private key", "download the key again") from None
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise Misconfigured(f"{path} holds a key that is neither RSA nor Ed25519")
    return Signer(key, key_id.strip())


def load_public(pem: bytes) -> PublicKey:
    """Parse a public key for `verify`. Raises Misconfigured when it is not one of the two kinds."""
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError:
        raise Misconfigured("not a PEM public key") from None
    if not isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise Misconfigured("a public key that is neither RSA nor Ed25519")
    return key


def generate(kind: str = "ed25519") -> tuple[bytes, bytes]:
    """A new key pair as (private PEM, public PEM), in the encodings the exchange itself hands out.

    kind    "ed25519" (PKCS#8) or "rsa" (2048 bits, PKCS#1)
    raises  Misconfigured for any other kind
    """
    key: PrivateKey
    if kind == "ed25519":
        key, encoding = ed25519.Ed25519PrivateKey.generate(), serialization.PrivateFormat.PKCS8
    elif kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        encoding = serialization.PrivateFormat.TraditionalOpenSSL
    else:
        raise Misconfigured(f"unknown key type {kind!r}", "use ed25519 or rsa")
    private = key.private_bytes(serialization.Encoding.PEM, encoding, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public


def verify(public: PublicKey | bytes, at_ms_text: str, method: str, path: str, signature_b64: str) -> bool:
    """Whether a signature is the key's, over exactly this timestamp text, method and path; False on any bad input."""
    key = load_public(public) if isinstance(public, bytes) else public
    try:
        signature = base64.b64decode(signature_b64, validate=True)
        payload = _payload(at_ms_text, method, path)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, payload, _PSS, _SHA256)
        else:
            key.verify(signature, payload)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _payload(timestamp: str, method: str, path: str) -> bytes:
    return f"{timestamp}{method.upper()}{path.partition('?')[0]}".encode()


def _refuse_if_shared(path: Path) -> None:
    """Owner only, with one exception: root's own group may have read, which is how systemd shows a credential
    that it grants to the service's user by access control list."""
    facts = path.stat()
    allowed = stat.S_IRGRP if facts.st_uid == 0 and facts.st_gid == 0 and os.geteuid() != 0 else 0
    if stat.S_IMODE(facts.st_mode) & 0o077 & ~allowed:
        raise Misconfigured(f"private key {path} can be read by others", f"chmod 600 {path}")
