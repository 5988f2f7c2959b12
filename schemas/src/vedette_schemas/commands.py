"""What the analyzer orders a host to do. It travels as a JWS, signed by who orders it."""

import hashlib
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from .fields import MAX_ACT, VERSION, Message, Process, Sha256, Time, Uid
from .principals import PrincipalName


class Action(StrEnum):
    """What an indicator asks for, and a host may be ordered to do."""

    ALERT = "alert"
    NOTIFY = "notify"
    BLOCK = "block"
    TERMINATE = "terminate"
    ISOLATE = "isolate"
    UNDO = "undo"
    TEST = "test"


class Terminate(Message):
    """End a program: this process, its tree, and what else runs of it.

    With `uid`, only processes of that user: the order rests on the word of that user's session. Without
    `others`, only the process and its tree: it is ended for what its window shows, not for what it is.
    """

    action: Literal["terminate"] = "terminate"
    process: Process
    uid: Uid | None = None
    others: bool = True


class Notify(Message):
    """Show a notice to the user `uid`."""

    action: Literal["notify"] = "notify"
    uid: Uid
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    text: Annotated[str, StringConstraints(max_length=400)]


MAX_TTL = 30 * 86_400
"""Seconds that a block or an isolation may last."""

_MAPPED = IPv6Network("::ffff:0:0/96")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"


def _canonical(text: str) -> str:
    """Return an address or network in its one form: without `/32` or `/128`, IPv4 where it is mapped."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = IPv6Address(network.network_address).ipv4_mapped
        network = ip_network((str(mapped), network.prefixlen - _MAPPED.prefixlen))
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _no_number(name: str) -> str:
    """Refuse what is read as an address: its last label is a number."""
    last = name.rpartition(".")[2]
    if last.isdigit() or last.startswith("0x"):
        raise ValueError("an address is no name")
    return name


def _host(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return _no_number(text)


Ttl = Annotated[int, Field(ge=1, le=MAX_TTL)]
Network = Annotated[
    str, StringConstraints(max_length=64, pattern=r"^[0-9a-f:./]+$"), AfterValidator(_canonical)
]
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
DnsName = Annotated[str, StringConstraints(max_length=253, pattern=rf"^{_NAME}$"), AfterValidator(_no_number)]
WebHost = Annotated[
    str, StringConstraints(max_length=253, pattern=rf"^(?:{_NAME}|[0-9a-f:.]+)$"), AfterValidator(_host)
]
_Why = Annotated[str, StringConstraints(max_length=300)]


class BlockedAddress(Message):
    """An address or a network (`192.0.2.7`, `2001:db8::/32`); of an address perhaps only one port."""

    kind: Literal["address"] = "address"
    network: Network
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None

    @model_validator(mode="after")
    def _a_port_is_of_one_address(self) -> Self:
        if self.port is not None and "/" in self.network:
            raise ValueError("a port of a whole network can't be blocked")
        return self


class BlockedHost(Message):
    """A host name, in lower case and IDNA; with `subdomains` all names below it as well.

    With `addresses` also the addresses that it has, asked for again and again: other sites that share
    them are blocked along.
    """

    kind: Literal["host"] = "host"
    name: DnsName
    subdomains: bool = False
    addresses: bool = False


class BlockedPage(Message):
    """What begins with `path` (a query may be part of it) at a host, whatever scheme and port."""

    kind: Literal["page"] = "page"
    host: WebHost
    path: Annotated[str, StringConstraints(max_length=2_048, pattern=r"^/[!-~]*$")]


class Block(Message):
    """Let nothing reach `target` for so many seconds from when it is taken.

    `why` is a sentence for who sits at the host.
    """

    action: Literal["block"] = "block"
    target: Annotated[BlockedAddress | BlockedHost | BlockedPage, Field(discriminator="kind")]
    ttl_seconds: Ttl
    why: _Why = ""


class Isolate(Message):
    """Cut the host off from all but the broker for so many seconds from when it is taken."""

    action: Literal["isolate"] = "isolate"
    ttl_seconds: Ttl
    why: _Why = ""


class Undo(Message):
    """Take back what the command `command_id` did, or refuse it if it comes later."""

    action: Literal["undo"] = "undo"
    command_id: UUID


class SelfTest(Message):
    """Do nothing and say so: it shows that commands arrive, are believed and answered."""

    action: Literal["test"] = "test"


Order = Annotated[Terminate | Notify | Block | Isolate | Undo | SelfTest, Field(discriminator="action")]


def digest(order: Order) -> Sha256:
    """Return what stands for an order, whole: an approval holds it."""
    return hashlib.sha256(order.model_dump_json(exclude_none=True).encode()).hexdigest()


class Command(Message):
    """An order to one enforcer. Times are in the enforcer's clock.

    `act` is the operator's act that wanted it, as it was signed: a host may let nothing be done without.
    """

    version: Literal[1] = VERSION
    id: UUID
    issuer: PrincipalName
    audience: PrincipalName
    issued_at: Time
    expires_at: Time
    order: Order
    act: Annotated[str, StringConstraints(max_length=MAX_ACT, pattern=r"^[A-Za-z0-9._-]+$")] | None = None
