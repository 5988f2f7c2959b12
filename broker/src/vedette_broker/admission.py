"""Who may connect now: no address keeps the others out, however often it tries."""

import ipaddress
from collections import Counter, OrderedDict

MAX_PENDING = 500
"""Connections that have not said who they are yet."""

MAX_PENDING_OF_ONE = 100
"""Of these, from one address."""

_BURST_SECONDS = 2.0
_ALL = ""
_ALL_RATE = 3.0
_REMEMBERED = 10_000


class Admission:
    """Counts connections. A refusal comes before TLS, which is what costs."""

    def __init__(self, *, per_second: int, most: int) -> None:
        """Admit `per_second` from one address, three times as many from all, and `most` at a time."""
        self._rate, self._most = float(per_second), most
        self._open = 0
        self._pending: Counter[str] = Counter()
        self._pending_of_all = 0
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def refusal(self, address: str, now: float) -> str:
        """Count an attempt; return why it is not admitted, or `""`. `now` is in seconds."""
        key = _key(address)
        if self._open >= self._most:
            return f"there are {self._most} connections already"
        if self._pending[key] >= MAX_PENDING_OF_ONE or self._pending_of_all >= MAX_PENDING:
            return "too many connections that say nothing"
        if not self._take(key, self._rate, now) or not self._take(_ALL, self._rate * _ALL_RATE, now):
            return "too many connections a second"
        self._open += 1
        self._pending[key] += 1
        self._pending_of_all += 1
        return ""

    def known(self, address: str) -> None:
        """Note that one of the pending has said who it is, or has gone."""
        key = _key(address)
        self._pending_of_all -= 1
        self._pending[key] -= 1
        if not self._pending[key]:
            del self._pending[key]

    def gone(self) -> None:
        """Note that a connection has ended."""
        self._open -= 1

    def _take(self, key: str, rate: float, now: float) -> bool:
        burst = rate * _BURST_SECONDS
        tokens, since = self._tokens.pop(key, (burst, now))
        tokens = min(burst, tokens + (now - since) * rate)
        admitted = tokens >= 1.0
        self._tokens[key] = (tokens - 1.0 if admitted else tokens, now)
        if len(self._tokens) > _REMEMBERED:
            self._tokens.popitem(last=False)
        return admitted


def _key(address: str) -> str:
    """Return what is counted as one: of IPv6 a host has a whole /64."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
