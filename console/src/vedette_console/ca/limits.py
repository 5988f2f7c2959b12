"""How often one address may fail before it is not listened to for a while."""

import ipaddress
from collections import OrderedDict
from typing import NamedTuple

_MOST_ADDRESSES = 10_000


class _Bucket(NamedTuple):
    left: float
    at: float


class Failures:
    """Lets each address fail `burst` times, and once more each `seconds`."""

    def __init__(self, burst: int = 10, seconds: float = 6.0) -> None:
        """Begin with nobody known; at most 10,000 addresses are remembered, the latest."""
        self._burst, self._seconds = burst, seconds
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Return how many seconds an address has to wait; 0 where it may ask."""
        left = self._left(_network(address), now)
        return 0.0 if left >= 1.0 else (1.0 - left) * self._seconds

    def count(self, address: str, now: float) -> None:
        """Count a failure."""
        network = _network(address)
        self._buckets[network] = _Bucket(self._left(network, now) - 1.0, now)
        self._buckets.move_to_end(network)
        if len(self._buckets) > _MOST_ADDRESSES:
            self._buckets.popitem(last=False)

    def forgive(self, address: str, now: float) -> None:
        """Take back a failure that was none."""
        network = _network(address)
        if network in self._buckets:
            left = min(float(self._burst), self._left(network, now) + 1.0)
            self._buckets[network] = _Bucket(left, now)

    def _left(self, network: str, now: float) -> float:
        bucket = self._buckets.get(network)
        if bucket is None:
            return float(self._burst)
        return min(float(self._burst), bucket.left + (now - bucket.at) / self._seconds)


def _network(address: str) -> str:
    """Return what one machine can't choose at will: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
