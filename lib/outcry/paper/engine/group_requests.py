"""The engine's part that keeps order groups."""

from outcry.paper.engine import clearing
from outcry.paper.engine.groups import LIMITS_CH, MOST_GROUPS, OrderGroup
from outcry.paper.engine.records import Reject
from outcry.paper.engine.steps import Steps
from outcry.paper.events import EngineEvent


class GroupRequests(Steps):
    """Every call names the group's subaccount and shard (both 0 by default, as on the real exchange).

    raises  Reject 404 order_group_not_found (unknown, deleted, another subaccount, wrong shard)
    """

    def create_group(
        self, account: str, limit_ch: int, now_ms: int, *, subaccount: int = 0, exchange_index: int = 0
    ) -> tuple[OrderGroup, list[EngineEvent]]:
        """Make a group with a limit of 1 to 1 000 000 contracts in 15 seconds.

        raises  Reject 400 invalid_parameters (limit out of range, too many groups)
        """
        self._begin(now_ms)
        self.state.purse(account, subaccount)
        _check_limit(limit_ch)
        if len(self.groups(account)) >= MOST_GROUPS:
            raise Reject(400, "invalid_parameters", "too many order groups")
        at_ms = self.state.outbox.at_ms
        group = OrderGroup(self.state.new_id(), account, subaccount, exchange_index, limit_ch, at_ms)
        self.state.groups[group.group_id] = group
        clearing.tell_group(self.state, group, "created", limit_ch)
        return group, self._finish()

    def limit_group(
        self, account: str, group_id: str, limit_ch: int, now_ms: int, *, subaccount: int = 0, exchange_index: int = 0
    ) -> list[EngineEvent]:
        """Give a group another limit; one that is reached already triggers it at once."""
        self._begin(now_ms)
        group = self.state.group(account, group_id, subaccount, exchange_index)
        _check_limit(limit_ch)
        group.limit_ch = limit_ch
        clearing.tell_group(self.state, group, "limit_updated", limit_ch)
        clearing.check_group(self.state, group)
        return self._finish()

    def trigger_group(
        self, account: str, group_id: str, now_ms: int, *, subaccount: int = 0, exchange_index: int = 0
    ) -> list[EngineEvent]:
        """Cancel the group's orders and refuse new ones until it is reset."""
        self._begin(now_ms)
        clearing.trigger(self.state, self.state.group(account, group_id, subaccount, exchange_index))
        return self._finish()

    def reset_group(
        self, account: str, group_id: str, now_ms: int, *, subaccount: int = 0, exchange_index: int = 0
    ) -> list[EngineEvent]:
        """Count from zero, and take orders again."""
        self._begin(now_ms)
        group = self.state.group(account, group_id, subaccount, exchange_index)
        group.triggered = False
        group.matched.clear()
        clearing.tell_group(self.state, group, "reset")
        return self._finish()

    def delete_group(
        self, account: str, group_id: str, now_ms: int, *, subaccount: int = 0, exchange_index: int = 0
    ) -> list[EngineEvent]:
        """Cancel the group's orders and forget it."""
        self._begin(now_ms)
        group = self.state.group(account, group_id, subaccount, exchange_index)
        clearing.cancel_group(self.state, group)
        group.deleted = True
        clearing.tell_group(self.state, group, "deleted")
        return self._finish()

    def groups(self, account: str, subaccount: int | None = None) -> list[OrderGroup]:
        """An account's groups (of one subaccount, where it is named), oldest first."""
        self.state.account(account)
        return [
            group
            for group in self.state.groups.values()
            if group.account == account and not group.deleted and subaccount in (None, group.subaccount)
        ]

    def group(self, account: str, group_id: str, subaccount: int | None = None) -> OrderGroup:
        """One group, on whichever shard. Its `resting` holds the orders that rest now."""
        for group in self.groups(account, subaccount):
            if group.group_id == group_id:
                return group
        raise Reject(404, "order_group_not_found")


def _check_limit(limit_ch: int) -> None:
    lowest, highest = LIMITS_CH
    if not lowest <= limit_ch <= highest:
        raise Reject(400, "invalid_parameters", "contracts_limit must lie between 1 and 1000000")
