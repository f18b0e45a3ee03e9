"""Errors say what happened and what to do about it, and know the exit code of a program that dies of them."""

import pytest

from outcry.domain.errors import (
    InvariantBroken,
    Misconfigured,
    OutcryError,
    RateLimited,
    Refused,
    SchemaDrift,
    Unavailable,
)


def test_the_mend_stands_behind_what_happened():
    assert str(OutcryError("no key")) == "no key"
    assert str(Misconfigured("no key", "name one in floor.toml")) == "no key (name one in floor.toml)"
    assert (OutcryError("no key").mend, Misconfigured("no key", "name one").mend) == ("", "name one")


def test_a_refusal_keeps_the_venues_words():
    bare = Refused("no")
    assert (str(bare), bare.status, bare.code, bare.details, bare.mend) == ("no", 0, "", "", "")
    whole = Refused("no", status=400, code="insufficient_balance", details="$1 short", mend="deposit")
    assert (str(whole), whole.status, whole.code, whole.details) == (
        "no (deposit)", 400, "insufficient_balance", "$1 short",
    )  # fmt: skip


def test_a_shape_we_do_not_know_is_kept_as_it_came():
    assert (str(SchemaDrift("no price")), SchemaDrift("no price").raw) == ("no price", b"")
    assert SchemaDrift("no price", b"{}").raw == b"{}"


@pytest.mark.parametrize(
    ("kind", "code"),
    [(OutcryError, 1), (Refused, 1), (InvariantBroken, 65), (SchemaDrift, 65), (Unavailable, 75), (RateLimited, 75),
     (Misconfigured, 78)],
)  # fmt: skip
def test_exit_codes(kind, code):
    assert kind("why").exit_code == code
