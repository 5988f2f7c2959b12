"""What the audit says was done, counted in words."""

from collections.abc import Iterator, Mapping

from .lines import count, plain

_WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "by operators": {
        "act.approve": ("approval", "approvals"),
        "act.order": ("order by hand", "orders by hand"),
        "act.undo": ("order taken back", "orders taken back"),
        "act.suppress": ("suppression", "suppressions"),
        "act.lift": ("suppression lifted", "suppressions lifted"),
        "act.incident": ("change of incidents", "changes of incidents"),
    },
    "ordered": {
        "command.terminate": ("program to end", "programs to end"),
        "command.block": ("block", "blocks"),
        "command.isolate": ("isolation", "isolations"),
        "command.undo": ("release", "releases"),
        "command.notify": ("word to a user", "words to users"),
        "command.test": ("self-test", "self-tests"),
    },
    "on hosts": {
        "ended.done": ("order done", "orders done"),
        "ended.refused": ("refused", "refused"),
        "ended.failed": ("failed", "failed"),
        "ended.expired": ("not done in time", "not done in time"),
        "ended.withdrawn": ("taken back before", "taken back before"),
        "host.released": ("release at the host's own console", "releases at hosts' own consoles"),
    },
    "by Vedette": {
        "analyzer.started": ("start of the analyzer", "starts of the analyzer"),
        "analyzer.stopped": ("stop of the analyzer", "stops of the analyzer"),
        "lists.read": ("reading of lists", "readings of lists"),
        "incident.reopened": ("incident opened again", "incidents opened again"),
        "certificate.revoked": ("certificate revoked", "certificates revoked"),
        "clock.set": ("clock that was set", "clocks that were set"),
    },
    "with the archive": {
        "archive.copied": ("backup", "backups"),
        "archive.restored": ("restore", "restores"),
    },
}
"""What the audit calls it, by who or what it is about, and how people count it."""


def counted(deeds: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield by whom or where, and how often what was done; what has no words goes by its name."""
    for label, words in _WORDS.items():
        found = [count(deeds[what], *words[what]) for what in words if deeds.get(what)]
        if found:
            yield label, ", ".join(found)
    known = {what for words in _WORDS.values() for what in words}
    others = [
        f"{plain(what, 60)} {number:,}" for what, number in deeds.items() if what not in known and number
    ]
    if others:
        yield "else", ", ".join(others)
