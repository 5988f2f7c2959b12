"""What needs cryptography, done by a child that ends with it: reading an identity, and renewing it."""

import subprocess
import sys

from pydantic import BaseModel, ConfigDict, ValidationError
from vedette_schemas import SettingsError

from .credentials import Certified
from .entry import NotNowError
from .identity_folder import IdentityFolder
from .settings import Address

_PATIENCE = 120.0
"""Seconds for a child; those in which a CA has to answer are fewer."""


class Answer(BaseModel):
    """What a child says: what is certified, or in words why that can't be."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    certified: Certified | None = None
    trouble: str = ""


def read_apart(folder: IdentityFolder) -> Certified:
    """Return what is certified there, all of it checked.

    Raise `SettingsError` where it can't be used, `NotNowError` where that can't be found out.
    """
    return _ask(folder)


def renew_apart(folder: IdentityFolder, ca: Address) -> None:
    """Have an identity renewed; raise `SettingsError`, in words, where that failed for whatever reason."""
    _ask(folder, str(ca))


def _ask(folder: IdentityFolder, *ca: str) -> Certified:
    child = [sys.executable, "-P", "-m", "vedette_transport.certifying", str(folder.path), *ca]
    try:
        done = subprocess.run(
            child,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_PATIENCE,
            check=False,
            start_new_session=True,  # Ctrl-C is for us: it is to end with the files in order
        )
        answer = Answer.model_validate_json(done.stdout)
    except subprocess.TimeoutExpired:
        raise NotNowError(f"{folder.path}: not seen to within {_PATIENCE:.0f} s") from None
    except OSError as error:
        raise NotNowError(f"{folder.path}: no child can be started to see to it: {error.strerror}") from None
    except ValidationError:
        raise NotNowError(f"{folder.path}: the child that sees to it has failed") from None
    if answer.certified is None:
        raise SettingsError(answer.trouble)
    return answer.certified
