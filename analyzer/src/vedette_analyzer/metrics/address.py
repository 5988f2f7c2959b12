"""An address in settings, written as one text."""

from vedette_schemas import SettingsError
from vedette_transport.settings import Address


def an_address(text: str) -> str:
    """Return `text` if it is `HOST:PORT`; raise `ValueError` where it is not."""
    try:
        Address.parse(text)
    except SettingsError as error:
        raise ValueError(str(error)) from None
    return text
