"""Takes secrets out of what people copy and read, before it leaves their session."""

from collections.abc import Iterator

from .secret_forms import MARK, RULES, Rule

_PASSES = 8


def redact(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text with its secrets replaced, and the names of what was found, each once.

    Redact before cutting text to length: half a card's number can't be told from any other.
    """
    found: dict[str, None] = {}
    for _ in range(_PASSES):  # what is gone may uncover another secret; more than two are contrived
        before = text
        text = _pass(text, found)
        if text == before:
            break
    return text, tuple(found)


def _pass(text: str, found: dict[str, None]) -> str:
    lowered = text.lower()
    for rule in RULES:
        if any(hint in lowered for hint in rule.hints):
            text, is_found = _without(text, rule)
            if is_found:
                found[rule.name] = None
    return text


def _without(text: str, rule: Rule) -> tuple[str, bool]:
    kept: list[str] = []
    end = 0
    for start, stop in _secrets(text, rule):
        kept += text[end:start], f"{MARK}{rule.name}]"
        end = stop
    return "".join((*kept, text[end:])), bool(kept)


def _secrets(text: str, rule: Rule) -> Iterator[tuple[int, int]]:
    group = "secret" if "secret" in rule.pattern.groupindex else 0
    at = 0
    while (found := rule.pattern.search(text, at)) is not None:
        if rule.check is None or rule.check(found):
            yield found.span(group)
            at = found.end()
        else:
            at = found.start() + 1  # what begins within it may be one
