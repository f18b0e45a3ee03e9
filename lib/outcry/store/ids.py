"""Names that can never be used twice, whatever was restored, copied or restarted: time and chance, never a counter."""

import secrets

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(now_ms: int) -> str:
    """26 characters that sort by time: 48 bits of Unix ms, 80 bits of chance. Source: github.com/ulid/spec.

    >>> ulid(1_700_000_000_000)[:10], len(ulid(0))
    ('01HF7YAT00', 26)
    """
    value = now_ms << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def client_order_id(floor_id: str, agent: str, now_ms: int) -> str:
    """`oc-<floor>-<agent>-<ULID>`: whose order it is can be read from the id alone, even when our row is lost."""
    return f"oc-{floor_id}-{agent}-{ulid(now_ms)}"
