"""What an order is about, for people: a few words, in which a path may be hostile."""

from .commands import (
    Block,
    BlockedAddress,
    BlockedHost,
    BlockedPage,
    Isolate,
    Notify,
    Order,
    SelfTest,
    Terminate,
)


def name_of(order: Order) -> str:
    """Return what an order is about: a program and its PID, what is blocked, the beginning of an id."""
    match order:
        case Terminate(process=process):
            name = process.executable.replace("\\", "/").rsplit("/", 1)[-1]
            return f"{name} (pid {process.pid})"
        case Block(target=target):
            return _blocked(target)
        case Isolate():
            return "the host"
        case Notify(uid=uid):
            return f"user {uid}"
        case SelfTest():
            return "the enforcer"
        case _:
            return str(order.command_id)[:8]


def _blocked(target: BlockedAddress | BlockedHost | BlockedPage) -> str:
    match target:
        case BlockedAddress(network=network, port=None):
            return network
        case BlockedAddress(network=network, port=port):
            return f"[{network}]:{port}" if ":" in network else f"{network}:{port}"
        case BlockedHost(name=name):
            return name
        case BlockedPage(host=host, path=path):
            return f"[{host}]{path}" if ":" in host else f"{host}{path}"
