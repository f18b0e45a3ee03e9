"""Errors named for their cure; each knows the exit code of a program that dies of it.

0 done · 1 a check found something · 2 usage (click) · 65 invariant · 75 try later · 78 misconfigured (sysexits).
A no from our own risk rules is no error: it is a `Verdict`, and it is kept.
"""


class OutcryError(Exception):
    """Base of all. `mend` says what the reader should do next, in one clause."""

    exit_code = 1

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.mend = mend

    def __str__(self) -> str:
        what = super().__str__()
        return f"{what} ({self.mend})" if self.mend else what


class Unavailable(OutcryError):
    """No answer, or none that can be trusted: look the thing up, then retry. Never resend a write."""

    exit_code = 75


class RateLimited(Unavailable):
    """429: nothing was done. Wait, then try again; safe for reads and writes alike."""


class Refused(OutcryError):
    """The venue said no, definitively, with its reason. Nothing was done."""

    exit_code = 1

    def __init__(self, what: str, *, status: int = 0, code: str = "", details: str = "", mend: str = "") -> None:
        super().__init__(what, mend)
        self.status, self.code, self.details = status, code, details


class Misconfigured(OutcryError):
    """A setting, key or file that a person has to change."""

    exit_code = 78


class InvariantBroken(OutcryError):
    """Something that cannot be is: stop rather than trade on it."""

    exit_code = 65


class SchemaDrift(InvariantBroken):
    """The venue sent a shape we do not know. Never read it as a zero; `raw` keeps the body."""

    def __init__(self, what: str, raw: bytes | str = b"") -> None:
        super().__init__(what)
        self.raw = raw
