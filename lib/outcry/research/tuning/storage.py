"""Where studies are kept: a file of this floor, or a PostgreSQL database that workers elsewhere reach too.

What such a database refuses is one line, and never has its password in it.
"""

import importlib.util
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from outcry.domain.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

BEAT_S, SILENT_S = 10, 60  # a worker elsewhere that was not heard of for so long is dead
LOCAL_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Where:
    """One study: the URL of its database, with its password; `shared` where others work on it from elsewhere."""

    url: str = field(repr=False)
    study: str
    shared: bool


def needed(*, shared: bool) -> None:
    """Raises Misconfigured where what a search is made with is not installed."""
    wanted = {"optuna": "optuna", **({"psycopg": "'psycopg[binary]'"} if shared else {})}
    if missing := [name for name in wanted if importlib.util.find_spec(name) is None]:
        raise Misconfigured(f"tuning needs {missing[0]}", f"{sys.prefix}/bin/pip install {wanted[missing[0]]}")


def local(folder: Path, study: str) -> Where:
    """A study in a file of this floor."""
    folder.mkdir(parents=True, exist_ok=True)
    return Where(f"sqlite:///{folder.absolute() / 'studies.db'}", study, shared=False)


def postgres(url: str, study: str) -> Where:
    """A study in a PostgreSQL database. Raises Misconfigured for what is no address of one, without repeating it."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    scheme, found, rest = url.partition("://")
    if not found or scheme not in ("postgresql", "postgres"):
        raise Misconfigured("--storage is no address of a PostgreSQL database", "postgresql://USER@HOST/DATABASE")
    try:
        make_url(whole := f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        mend = "postgresql://USER@HOST/DATABASE; @ : and / in a password are written %40, %3A and %2F"
        raise Misconfigured("--storage cannot be read as an address", mend) from None
    return Where(whole, study, shared=True)


def made(where: Where) -> bool:
    """Whether somebody has made the tables of studies there."""
    from sqlalchemy import create_engine, inspect

    engine = create_engine(where.url)
    try:
        return inspect(engine).has_table("alembic_version")  # the last one to be made
    finally:
        engine.dispose()


def opened(where: Where) -> "RDBStorage":
    """The storage, with its tables. Raises Misconfigured when another version of Optuna made them."""
    import optuna
    from optuna.storages import RDBStorage
    from sqlalchemy.pool import NullPool

    held: dict[str, Any] = {"poolclass": NullPool}  # a trial takes seconds, and a kept connection may die meanwhile
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            if where.shared:
                return RDBStorage(where.url, held, heartbeat_interval=BEAT_S, grace_period=SILENT_S)
            return RDBStorage(where.url, held | {"connect_args": {"timeout": LOCAL_TIMEOUT_S}})
        except RuntimeError as error:
            raise Misconfigured(without_password(str(error), where.url)) from None


@contextmanager
def plainly(where: Where) -> Iterator[None]:
    """What goes wrong with the database, in one line. Raises Unavailable."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ or error
        words = " ".join(str(getattr(cause, "orig", None) or cause).split())
        raise Unavailable(f"the database of the studies refused: {without_password(words, where.url)}") from None


def without_password(words: str, url: str) -> str:
    """Words in which the password of a URL is hidden, as it is written there and as it is meant.

    >>> without_password("no a%40b, no a@b", "postgresql+psycopg://me:a%40b@host/studies")
    'no ***, no ***'
    """
    secret = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    for one in {secret, unquote(secret)} - {""}:
        words = words.replace(one, "***")
    return words
