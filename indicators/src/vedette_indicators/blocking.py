"""What can be blocked of what a text names: an address, a host, a page."""

from ipaddress import ip_network

from pydantic import ValidationError
from vedette_schemas import BlockedAddress, BlockedHost, BlockedPage

from .addresses import read_address, read_endpoint
from .hosts import read_host
from .suffixes import is_public
from .urls import read_url

BlockTarget = BlockedAddress | BlockedHost | BlockedPage


def block_target(text: str) -> BlockTarget | None:
    """Read a URL, host, address or `address:port`; `None` where that can't be blocked.

    With a path it is a page, whatever it looks like: no text that somebody copied names a network. A host
    covers all below it, as in a list, where that is not other people's.
    """
    try:
        return _page(text) if "/" in text else _host(text)
    except ValidationError:
        return None


def named_target(text: str) -> BlockTarget | None:
    """Read what an operator names: as `block_target`, and a network such as `192.0.2.0/24`."""
    try:
        return BlockedAddress(network=str(ip_network(text)))
    except ValueError:
        return block_target(text)


def _page(text: str) -> BlockTarget | None:
    url = read_url(text)
    if url is None:
        return None
    query = f"?{url.query}" if url.query else ""
    return BlockedPage(host=url.host.strip("[]"), path=f"{url.path}{query}")


def _host(text: str) -> BlockTarget | None:
    if (endpoint := read_endpoint(text)) is not None:
        return BlockedAddress(network=str(endpoint[0]), port=endpoint[1])
    if (address := read_address(text)) is not None:
        return BlockedAddress(network=str(address))
    name = read_host(text)
    return None if name is None else BlockedHost(name=name, subdomains=not is_public(name))
