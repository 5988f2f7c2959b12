"""Whether an act wanted just this command: what a host asks that lets nothing be done without an operator."""

from datetime import timedelta

from vedette_schemas import Act, Approve, Block, Command, Direct, Isolate, Principal, digest, ordered_id

_SOON = timedelta(minutes=2)
"""How long a command that neither blocks nor isolates may wait for its host."""


def other_than_wanted(act: Act, command: Command) -> str | None:
    """Return what an act says that this command does not do; `None` where it wanted just this."""
    order = command.order
    match act.what:
        case Approve(command_id=id_, host=host, order=what):
            wanted = id_, host, what
        case Direct(host=host, order=what):
            wanted = ordered_id(act.id, what), host, digest(what)
        case _:
            return "it wants nothing done on a host"
    if wanted[0] != command.id:
        return "it is for another command"
    if wanted[1] != Principal.parse(command.audience).host:
        return "it is for another host"
    if wanted[2] != digest(order):
        return "it is for another order"
    worth = timedelta(seconds=order.ttl_seconds) if isinstance(order, Block | Isolate) else _SOON
    return "the command lives longer than it allows" if _life(command) > worth else None


def _life(command: Command) -> timedelta:
    return command.expires_at - command.issued_at
