"""What this account may do here: its keys, its usage tier, and how far it is from the next one."""

from typing import NamedTuple

from msgspec import Struct

from outcry.venue import fields, wire
from outcry.venue.fields import Amount
from outcry.venue.http import Http
from outcry.venue.written import DONE


class KeyRow(Struct, frozen=True):
    api_key_id: str
    name: str
    scopes: list[str]
    subaccount: int | None = None


class KeyList(Struct, frozen=True):
    api_keys: list[KeyRow]
    api_key_region_expiration_ts: int | None = None


class GoalRow(Struct, frozen=True):
    level: str
    earn_volume_goal_fp: Amount
    keep_volume_goal_fp: Amount


class ProgressRow(Struct, frozen=True):
    computed_ts: int
    trailing_30d_volume_fp: Amount
    goals: list[GoalRow]


class ProgressList(Struct, frozen=True):
    volume_progress: list[ProgressRow]


class ApiKey(NamedTuple):
    """One key. `subaccount`: the only one it may act on; None when it is not locked."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    subaccount: int | None


class ApiKeys(NamedTuple):
    """The account's keys. After `region_expires_at_ms` they may not trade sports, elections or entertainment."""

    keys: tuple[ApiKey, ...]
    region_expires_at_ms: int | None


class VolumeGoal(NamedTuple):
    """Contracts within 30 days, in hundredths, that earn a tier and that keep it."""

    tier: str
    earn_ch: int
    keep_ch: int


class VolumeProgress(NamedTuple):
    """Contracts traded in the 30 days before `computed_at_ms`, in hundredths."""

    computed_at_ms: int
    volume_ch: int
    goals: tuple[VolumeGoal, ...]


class TierCalls:
    """Needs a key."""

    _http: Http

    def api_keys(self) -> ApiKeys:
        """All keys of the account, and when its location attestation ends."""
        row = wire.decode(KeyList, self._http.get("/api_keys").body, "API keys")
        expires = row.api_key_region_expiration_ts
        return ApiKeys(
            tuple(ApiKey(key.api_key_id, key.name, tuple(key.scopes), key.subaccount) for key in row.api_keys),
            None if expires is None else fields.seconds_ms(expires),
        )

    def upgrade_tier(self) -> None:
        """Take the Advanced tier, which is free for whoever has placed an order by API; then `learn` the new limits."""
        self._http.write("POST", "/account/api_usage_level/upgrade", accept=(*DONE, 201))

    def volume_progress(self) -> list[VolumeProgress]:
        """How far the account is from the tiers that volume earns."""
        body = self._http.get("/account/api_usage_level/volume_progress").body
        return [_progress(row) for row in wire.decode(ProgressList, body, "volume progress").volume_progress]


def _progress(row: ProgressRow) -> VolumeProgress:
    return VolumeProgress(
        fields.seconds_ms(row.computed_ts),
        fields.count_ch(row.trailing_30d_volume_fp),
        tuple(
            VolumeGoal(goal.level, fields.count_ch(goal.earn_volume_goal_fp), fields.count_ch(goal.keep_volume_goal_fp))
            for goal in row.goals
        ),
    )
