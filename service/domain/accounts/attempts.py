"""The pace at which a source may try: freely at first, then ever more slowly, but never not at all (§5.1)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

NETWORK_BITS = 64  # of an IPv6 address: one household has as many of them as it likes


class Pace(NamedTuple):
    """So many attempts within the window are free; each further one must wait twice as long, up to the longest."""

    free: int
    longest: timedelta
    window: timedelta = timedelta(minutes=15)

    def waits_until(self, attempts: Collection[datetime], now: datetime) -> datetime | None:
        """The instant of the next attempt that is heard; None when it is now."""
        recent = [at for at in attempts if at > now - self.window]
        beyond = len(recent) - self.free
        if beyond < 0:
            return None
        wait = min(timedelta(seconds=2 ** min(beyond, 20)), self.longest)
        until = max(recent, default=now - wait) + wait
        return until if until > now else None


SIGN_INS = Pace(free=30, longest=timedelta(minutes=1))
"""Failed sign-ins of a source: an office shares one, and one forgetful colleague must not lock it."""

QUERIES = Pace(free=20, longest=timedelta(seconds=15))
"""Public questions of a source, answered or not."""

QUERIES_OF_NUMBER = Pace(free=10, longest=timedelta(minutes=1))
"""Public questions about one certificate, from wherever they come."""


def source_of(address: str) -> str:
    """The source that an address belongs to: itself, or the network of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> NETWORK_BITS << NETWORK_BITS)}/{NETWORK_BITS}"
