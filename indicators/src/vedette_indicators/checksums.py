"""Numbers that check out: what looks like a card or an account and is only a number fails here."""

import re

_ISSUED = re.compile(
    r"4[0-9]{15}"
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}"
    r"|6(?:011|5[0-9]{2})[0-9]{12}"
    r"|35[0-9]{14}"
    r"|62[0-9]{14}"
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def is_card(text: str) -> bool:
    """Tell whether the digits are a number that a card can have: an issuer's, and right by Luhn's sum."""
    digits = "".join(character for character in text if character.isdecimal())
    if _ISSUED.fullmatch(digits) is None or len(set(digits)) == 1:
        return False
    backwards = [int(digit) for digit in reversed(digits)]
    return (sum(backwards[::2]) + sum(_DOUBLED[digit] for digit in backwards[1::2])) % 10 == 0


def is_iban(text: str) -> bool:
    """Tell whether letters and digits are an account number that checks out (ISO 7064, mod 97)."""
    account = text.replace(" ", "")
    number = "".join(str(int(character, 36)) for character in account[4:] + account[:4])
    return int(number) % 97 == 1
