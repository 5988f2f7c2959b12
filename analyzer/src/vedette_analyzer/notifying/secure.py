"""TLS to those who take messages: always verified."""

import ssl
from pathlib import Path

from vedette_schemas import SettingsError

_DEEPEST = 10
"""Causes of causes."""


def client_context(
    ca: Path | None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Return what trusts the usual certificates and those in `ca`.

    Raise `SettingsError` where a file can't be used.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca is not None:
            context.load_verify_locations(ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        path = certificate if ca is None or (certificate and not certificate.exists()) else ca
        raise SettingsError(
            f"{path}: holds no certificates that can be used: {getattr(error, 'strerror', None) or error}"
        ) from None
    return context


def is_not_trusted(error: BaseException) -> bool:
    """Tell whether an error rests on a certificate that is not trusted."""
    return _verification(error) is not None


def certificate_trouble(error: BaseException) -> str:
    """Return what is wrong with a certificate, in words."""
    found = _verification(error)
    return str(error) if found is None else found.verify_message


def _verification(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    for _ in range(_DEEPEST):
        if error is None or isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None
