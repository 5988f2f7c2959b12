"""How a fault of our own is logged: where it happened, but not what it was about."""

import traceback


def trace(error: BaseException) -> str:
    """Return an error's kind and stack; its words are left out, since they may repeat what a host sent."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}".rstrip()
