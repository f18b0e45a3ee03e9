import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from outcry.domain.errors import Misconfigured
from outcry.venue import sign

AT_MS = 1_795_194_192_345
PATH = "/trade-api/v2/portfolio/balance"


def key_file(folder, pem, mode=0o600):
    path = folder / "kalshi.pem"
    path.write_bytes(pem)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_what_is_signed_verifies_and_nothing_else_does(tmp_path, kind):
    private, public = sign.generate(kind)
    signer = sign.load_key(key_file(tmp_path, private), "the-id")
    headers = signer.headers("get", PATH + "?exchange_index=2", AT_MS)
    assert headers["KALSHI-ACCESS-KEY"] == "the-id"
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == str(AT_MS)
    signature = headers["KALSHI-ACCESS-SIGNATURE"]
    assert sign.verify(public, str(AT_MS), "GET", PATH, signature)
    assert sign.verify(sign.load_public(public), str(AT_MS), "GET", PATH, signature)
    assert not sign.verify(public, str(AT_MS + 1), "GET", PATH, signature)
    assert not sign.verify(public, str(AT_MS), "POST", PATH, signature)
    assert not sign.verify(public, str(AT_MS), "GET", PATH + "s", signature)
    assert not sign.verify(sign.generate(kind)[1], str(AT_MS), "GET", PATH, signature)
    assert not sign.verify(public, str(AT_MS), "GET", PATH, signature.rstrip("=") + "!")
    assert not sign.verify(public, str(AT_MS), "GET", PATH, "")


def test_the_payload_is_timestamp_method_and_path_for_plain_ed25519(tmp_path):
    private, _public = sign.generate("ed25519")
    key = serialization.load_pem_private_key(private, None)
    expected = base64.b64encode(key.sign(f"{AT_MS}DELETE{PATH}".encode())).decode()
    headers = sign.load_key(key_file(tmp_path, private), "x").headers("DELETE", PATH, AT_MS)
    assert headers["KALSHI-ACCESS-SIGNATURE"] == expected


def test_an_rsa_signature_uses_pss_with_a_salt_as_long_as_the_digest(tmp_path):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    private, public = sign.generate("rsa")
    signer = sign.load_key(key_file(tmp_path, private), "x")
    signature = base64.b64decode(signer.headers("GET", PATH, AT_MS)["KALSHI-ACCESS-SIGNATURE"])
    exact = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
    serialization.load_pem_public_key(public).verify(signature, f"{AT_MS}GET{PATH}".encode(), exact, hashes.SHA256())


def test_rsa_in_pkcs8_is_told_from_ed25519_by_the_key_not_the_header(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    headers = sign.load_key(key_file(tmp_path, pem), "x").headers("GET", PATH, AT_MS)
    assert sign.verify(public, str(AT_MS), "GET", PATH, headers["KALSHI-ACCESS-SIGNATURE"])


def test_keys_come_in_the_encodings_the_exchange_hands_out():
    assert sign.generate("rsa")[0].startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    assert sign.generate("ed25519")[0].startswith(b"-----BEGIN PRIVATE KEY-----")
    with pytest.raises(Misconfigured, match="dsa"):
        sign.generate("dsa")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620])
def test_a_key_that_others_may_touch_is_refused(tmp_path, mode):
    path = key_file(tmp_path, sign.generate()[0], mode)
    with pytest.raises(Misconfigured, match="chmod 600"):
        sign.load_key(path, "x")


def test_a_credential_shown_by_systemd_is_read_but_only_from_root(tmp_path, monkeypatch):
    path = key_file(tmp_path, sign.generate()[0], 0o440)
    facts = path.stat()
    monkeypatch.setattr(sign.os, "geteuid", lambda: 1000)
    if (facts.st_uid, facts.st_gid) == (0, 0):
        assert sign.load_key(path, "x").key_id == "x"
        path.chmod(0o460)
    with pytest.raises(Misconfigured, match="read by others"):
        sign.load_key(path, "x")


def test_no_key_no_id_and_no_known_kind_are_misconfigurations_that_leak_nothing(tmp_path):
    with pytest.raises(Misconfigured, match="cannot read"):
        sign.load_key(tmp_path / "absent.pem", "x")
    with pytest.raises(Misconfigured, match="no id"):
        sign.load_key(key_file(tmp_path, sign.generate()[0]), " \n")
    with pytest.raises(Misconfigured) as caught:
        sign.load_key(key_file(tmp_path, b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"), "x")
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.__cause__ is None
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(Misconfigured, match="neither RSA nor Ed25519"):
        sign.load_key(key_file(tmp_path, curve), "x")
    with pytest.raises(Misconfigured):
        sign.load_public(b"nothing")


def test_a_signer_prints_its_id_only(tmp_path):
    assert repr(sign.load_key(key_file(tmp_path, sign.generate()[0]), "the-id")) == "Signer('the-id')"
