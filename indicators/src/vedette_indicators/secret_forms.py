"""What secrets look like, from the most certain to what is only named one."""

import re
from collections.abc import Callable
from typing import NamedTuple

from .checksums import is_card, is_iban

MARK = "[redacted-"
_WHOLE_MARK = re.compile(r"\[redacted-[a-z-]{1,32}\]")

_IBAN_LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_ANY_IBAN = "|".join(
    rf"(?:{'|'.join(countries.split())})[0-9]{{2}}(?: ?[A-Z0-9]){{{length - 4}}}"
    for length, countries in _IBAN_LENGTHS.items()
)
_IBAN = rf"(?<![A-Za-z0-9])(?=[A-Z]{{2}}[0-9]{{2}} ?[A-Z0-9])(?:{_ANY_IBAN})(?![A-Za-z0-9])"
_CARD = r"[0-9]{4}(?P<gap>[ -]?)(?:[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{4}|[0-9]{6}(?P=gap)[0-9]{4,5})"
_PEM = r"(?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_NAMED = (
    r"(?:pass(?:word|wd|phrase|wort)|kennwort|(?<![a-z])(?:pass|pwd|token)|secret|(?:api|access)[_-]?key"
    r"|(?:access|auth|session|refresh|id)[_-]?token|(?<=[?&])(?:sig|key)|signature)"
)
_SAID_OF_A_PASSWORD = frozenset("none null true false str string required optional".split())


class Rule(NamedTuple):
    """A secret's name and form; the pattern is run only where one of the hints is in the lower-case text.

    What goes is the group `secret`, or all that was found. With `check`, only what passes it.
    """

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    check: Callable[[re.Match[str]], bool] | None = None


def _is_given(found: re.Match[str]) -> bool:
    """Tell a password that is given from one that is talked about: `password: must be long`."""
    secret = found["secret"]
    if _WHOLE_MARK.fullmatch(secret):  # and nothing longer: what is passed over is looked through again
        return False
    if found["quote"]:
        return True
    if secret.rstrip(".);|").lower() in _SAID_OF_A_PASSWORD:
        return False
    goes_on = re.match(r"[ \t]+[a-zA-Z]", found.string[found.end() : found.end() + 8])
    return not (found["sign"] == ":" and secret.isalpha() and goes_on)


def _is_new(found: re.Match[str]) -> bool:
    return not found["secret"].startswith(MARK)


def _is_iban(found: re.Match[str]) -> bool:
    return is_iban(found[0])


def _is_card(found: re.Match[str]) -> bool:
    return is_card(found[0])


def _rule(
    name: str,
    hints: str,
    pattern: str,
    check: Callable[[re.Match[str]], bool] | None = None,
    *,
    flags: re.RegexFlag = re.NOFLAG,
) -> Rule:
    return Rule(name, tuple(hints.split()) or ("",), re.compile(pattern, re.ASCII | flags), check)


# The order matters: a card's number after `password:` is a card's. Each pattern is entered at the beginning
# of a run only, or is bounded: linear time.
RULES = (
    _rule("private-key", "-----begin", rf"-----BEGIN {_PEM}.*?(?:-----END {_PEM}|\Z)", flags=re.DOTALL),
    _rule("private-key", "age-secret-key-", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    _rule("jwt", "eyj", r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    _rule("cloud-key", "akia asia agpa aida aroa anpa", r"(?<!\w)A(?:KI|SI|GP|ID|RO|NP)A[0-9A-Z]{16}(?!\w)"),
    _rule("cloud-key", "aiza", r"(?<![\w-])AIza[\w-]{35}(?![\w-])"),
    _rule("cloud-key", "dop_v1_", r"(?<!\w)dop_v1_[0-9a-f]{64}(?!\w)"),
    _rule("forge-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"(?<!\w)gh[pousr]_[A-Za-z0-9]{36,}"),
    _rule("forge-token", "github_pat_", r"(?<!\w)github_pat_\w{60,}"),
    _rule("forge-token", "glpat-", r"(?<!\w)glpat-[\w-]{20,}"),
    _rule("package-token", "npm_", r"(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)"),
    _rule("package-token", "pypi-", r"(?<!\w)pypi-AgE[\w-]{50,}"),
    _rule("chat-token", "xox", r"(?<!\w)xox[abeoprs]-[\w-]{10,}"),
    _rule("chat-token", "hooks.slack.com", r"hooks\.slack\.com/services/(?P<secret>[\w/]{20,})"),
    _rule("chat-token", ":aa", r"(?<!\w)[0-9]{8,10}:AA[\w-]{33}(?![\w-])"),
    _rule("payment-key", "sk_ rk_", r"(?<!\w)[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"),
    _rule("mail-key", "sg.", r"(?<!\w)SG\.[\w-]{22}\.[\w-]{43}(?![\w-])"),
    _rule("model-key", "sk-", r"(?<![\w-])sk-(?=[\w-]{0,40}[0-9])(?=[\w-]{0,40}[A-Z])[\w-]{20,}"),
    _rule("model-key", "hf_", r"(?<!\w)hf_[A-Za-z]{34}(?!\w)"),
    _rule("url-password", "://", r"(?<=://)[^\s/?#\\:@]{0,256}:(?P<secret>[^\s/?#\\]{1,1024})@", _is_new),
    _rule("iban", "", _IBAN, _is_iban),
    _rule("card", "", rf"(?<![\w+/.-]){_CARD}(?![\w/-])", _is_card),
    _rule(
        "authorization",
        "bearer basic",
        r"(?<![a-z])(?:bearer|basic) {1,4}(?P<secret>(?=[\w.~+/=-]{0,64}[0-9])[\w.~+/=-]{16,})",
        flags=re.IGNORECASE,
    ),
    _rule(
        "password",
        "pass pwd kennwort secret apikey api_key api-key access token ?key= &key= sig= signature",
        rf"{_NAMED}(?:[\"']\]?)?[ \t]{{0,8}}(?P<sign>[:=])>?[ \t]{{0,8}}(?P<quote>[\"'])?"
        r"(?P<secret>(?(quote)[^\"'\r\n]{4,}|(?![a-z_][\w.]{0,64}\([^\r\n]{0,64}\))[^\s\"'<>,;&#]{4,}))",
        _is_given,
        flags=re.IGNORECASE,
    ),
)
