"""Who runs a command, as the operating system knows them: what the environment says of it, anyone can set."""

import os


def person() -> str:
    """Return `user anna`; `user anna as root` of who is that by sudo; the number of who has no name."""
    number = os.getuid()
    own = _name(number)
    by = os.environ.get("SUDO_UID", "") if number == 0 else ""  # by sudo, or by root, who may say anything
    other = _name(int(by)) if by.isascii() and by.isdecimal() and len(by) <= _MOST_DIGITS else own
    return f"user {own}" if other == own else f"user {other} as {own}"


_MOST_DIGITS = 10


def _name(number: int) -> str:
    import pwd  # noqa: PLC0415 (not everywhere)

    try:
        return pwd.getpwuid(number).pw_name
    except (KeyError, OverflowError):
        return str(number)
