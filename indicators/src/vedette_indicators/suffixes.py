"""Public suffixes: names below which everybody can have a name, and which of them are a customer's own."""

from functools import cache
from typing import NamedTuple, Protocol


class Suffixes(NamedTuple):
    """The rules of the public suffix list, as they stand there.

    `names` are those without a `*`. Every name directly below one of `wild` is a suffix as well; below one
    of `lent` it is what a customer of some service got.
    """

    names: frozenset[str]
    wild: frozenset[str]
    lent: frozenset[str]


class _Suffixes(Protocol):
    def is_public(self, domain: str) -> bool: ...


@cache
def _known() -> _Suffixes:
    # 50 ms and 4 MB, and wanted only where lists are read
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()


@cache
def suffixes() -> Suffixes:
    """Read the public suffix list."""
    from publicsuffixlist import PSLFILE  # noqa: PLC0415

    with open(PSLFILE, encoding="utf-8") as file:  # noqa: PTH123
        registries, _, services = file.read().partition("// ===BEGIN PRIVATE DOMAINS===")
    of_registries, of_services = _rules(registries), _rules(services)
    rules = of_registries | of_services
    lent = _wild(of_services)
    return Suffixes(
        frozenset(rule for rule in rules if rule[0] not in "*!"), lent | _wild(of_registries), lent
    )


def _rules(text: str) -> frozenset[str]:
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line.split()[0] for line in lines if line and not line.startswith("//"))


def _wild(rules: frozenset[str]) -> frozenset[str]:
    return frozenset(rule[2:] for rule in rules if rule.startswith("*."))


def is_public(host: str) -> bool:
    """Tell whether anyone can have a name below the host, so that it says nothing of who has those."""
    return "." not in host or _known().is_public(host)


def is_lent(host: str) -> bool:
    """Tell whether a public suffix is what a customer of some service got, and listed for that.

    So it is with the machines below `compute-1.amazonaws.com`. What else is there are regions
    (`eu-west-1.compute.amazonaws.com`), and the list does not tell one from the other: a row about either
    hits that name, and none below it.
    """
    known = suffixes()
    return host.partition(".")[2] in known.lent and host not in known.names and host not in known.wild


def hits_everybody(host: str) -> bool:
    """Tell whether a row about the host would hit other people's names below it, and so can't be."""
    return is_public(host) and not is_lent(host)
