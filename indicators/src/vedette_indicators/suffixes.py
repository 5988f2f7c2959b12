"""Public suffixes: names below which everybody can have a name, and which of them are a customer's own."""

from functools import cache
from typing import NamedTuple


class Suffixes(NamedTuple):
    """The rules of the public suffix list, in ASCII.

    `names` are suffixes. Every name directly below one of `wild` is one as well, but `excepted` ones; below
    one of `lent` it is what a customer of some service got.
    """

    names: frozenset[str]
    wild: frozenset[str]
    excepted: frozenset[str]
    lent: frozenset[str]


@cache
def suffixes() -> Suffixes:
    """Read the public suffix list: 20 ms, and wanted only where lists are read."""
    from publicsuffixlist import PSLFILE  # noqa: PLC0415

    with open(PSLFILE, encoding="utf-8") as file:  # noqa: PTH123
        registries, _, services = file.read().partition("// ===BEGIN PRIVATE DOMAINS===")
    lent = _rules(services, "*.")
    wild = lent | _rules(registries, "*.")
    excepted = _rules(registries, "!") | _rules(services, "!")
    return Suffixes(_rules(registries, "") | _rules(services, ""), wild, excepted, lent)


def _rules(text: str, mark: str) -> frozenset[str]:
    """Return the rules that begin with a mark, without it; with no mark those that have none."""
    words = (line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("//"))
    rules = (word[len(mark) :] for word in words if (word.startswith(mark) if mark else word[0] not in "*!"))
    return frozenset(rule if rule.isascii() else rule.encode("idna").decode() for rule in rules)


def is_public(host: str) -> bool:
    """Tell whether anyone can have a name below the host, so that it says nothing of who has those."""
    names, wild, excepted, _ = suffixes()
    above = host.partition(".")[2]
    return not above or host in names or host in wild or (above in wild and host not in excepted)


def is_lent(host: str) -> bool:
    """Tell whether a public suffix is what a customer of some service got, and listed for that.

    So it is with the machines below `compute-1.amazonaws.com`. What else is there are regions
    (`eu-west-1.compute.amazonaws.com`), and the list does not tell one from the other: a row about either
    hits that name, and none below it.
    """
    names, wild, _, lent = suffixes()
    return host.partition(".")[2] in lent and host not in names and host not in wild


def hits_everybody(host: str) -> bool:
    """Tell whether a row about the host would hit other people's names below it, and so can't be."""
    return is_public(host) and not is_lent(host)
