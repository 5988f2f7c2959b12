"""The rows about hosts, URLs, addresses and networks, to be hit by exact look-ups only."""

from collections.abc import Iterator
from ipaddress import ip_network

from .addresses import Address, plain, write_endpoint
from .hosts import is_public, suffixes
from .indicator import Indicator, IndicatorType
from .urls import Url, read_url

Hit = tuple[Indicator, str]
Rows = tuple[Indicator, ...]


class WebIndex:
    """Finds the rows that a URL or a connection hits."""

    def __init__(self) -> None:
        self._hosts: dict[str, Rows] = {}
        self._addresses: dict[str, Rows] = {}
        self._endpoints: dict[str, Rows] = {}
        self._networks: dict[tuple[int, int], dict[int, Rows]] = {}
        self._urls: dict[str, dict[str, Rows]] = {}
        self._shared: set[str] = set()

    def add(self, row: Indicator) -> None:
        """Keep a row of one of the types that this index is for; others are none of its business."""
        match row.type:
            case IndicatorType.HOST:
                _append(self._hosts, row.value, row)
            case IndicatorType.IP:
                _append(self._addresses, row.value, row)
            case IndicatorType.IP_PORT:
                _append(self._endpoints, row.value, row)
            case IndicatorType.CIDR:
                self._add_network(row)
            case IndicatorType.URL:
                self._add_url(row)
            case _:
                pass

    def _add_network(self, row: Indicator) -> None:
        network = ip_network(row.value)
        shift = network.max_prefixlen - network.prefixlen
        same_width = self._networks.setdefault((network.version, shift), {})
        number = int(network.network_address) >> shift
        same_width[number] = (*same_width.get(number, ()), row)

    def _add_url(self, row: Indicator) -> None:
        url = read_url(row.value)
        if url is None:
            return
        _append(self._urls.setdefault(url.host, {}), str(url).removeprefix(url.host), row)
        if url.address is None and is_public(url.host):
            self._shared.add(url.host)

    def url_hits(self, url: Url) -> Iterator[Hit]:
        """Yield what a URL hits: its host and those above it, its address, its folders and itself."""
        subject = str(url)
        for row in self._pages(url):
            yield row, subject
        if url.address is None:
            yield from self._host_hits(url.host)
        else:
            yield from self._address_hits(url.address, url.port)

    def connection_hits(self, address: Address | None, port: int | None, host: str | None) -> Iterator[Hit]:
        """Yield what a connection hits."""
        if address is not None:
            yield from self._address_hits(plain(address), port)
        if host is not None:
            yield from self._host_hits(host)

    def _pages(self, url: Url) -> Iterator[Indicator]:
        if not self._urls:
            return
        for host in suffixes(url.host) if url.address is None else (url.host,):
            pages = self._urls.get(host)
            # a row on a host where everybody can have a name below says nothing about those names
            if pages is not None and (host == url.host or host not in self._shared):
                for key in url.lookups():
                    yield from pages.get(key, ())

    def _host_hits(self, host: str) -> Iterator[Hit]:
        for name in suffixes(host):
            for row in self._hosts.get(name, ()):
                yield row, host

    def _address_hits(self, address: Address, port: int | None) -> Iterator[Hit]:
        subject = str(address)
        for row in self._addresses.get(subject, ()):
            yield row, subject
        if port is not None and self._endpoints:
            endpoint = write_endpoint(address, port)
            for row in self._endpoints.get(endpoint, ()):
                yield row, endpoint
        number = int(address)
        for (version, shift), networks in self._networks.items():
            if version == address.version:
                for row in networks.get(number >> shift, ()):
                    yield row, subject


def _append(index: dict[str, Rows], key: str, row: Indicator) -> None:
    index[key] = (*index.get(key, ()), row)
