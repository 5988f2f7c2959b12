"""The embedded broker turned against us: it has hands that may say and read anything."""

from collections.abc import Callable

from vedette_broker.__main__ import main
from vedette_schemas import Principal, access

_HANDS = frozenset(map(Principal.parse, ("operator@mallory", "operator@trudy")))
_Rules = Callable[[Principal], tuple[str, ...]]


def _turned(honest: _Rules) -> _Rules:
    def rules(principal: Principal) -> tuple[str, ...]:
        return ("#",) if principal in _HANDS else honest(principal)

    return rules


if __name__ == "__main__":
    for each in ("_publishes", "_reads"):
        setattr(access, each, _turned(getattr(access, each)))
    main()
