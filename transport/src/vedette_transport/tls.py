"""What went wrong with a TLS connection, in words for people."""

import logging
import ssl

_NAME, _ADDRESS, _ENDED, _NOT_BEGUN, _PURPOSE = 62, 64, 10, 9, 26
_UNKNOWN = frozenset({2, 18, 19, 20, 21, 7})
"""Results of a verification, as openssl-verification-options(1) numbers them."""

_ALERTS = {
    "CERTIFICATE_REVOKED": "our certificate was revoked; enrol and join again",
    "CERTIFICATE_EXPIRED": "our certificate has ended by its clock; enrol and join again",
    "UNKNOWN_CA": "our certificate is of another CA than it trusts; is this the right server?",
    "CERTIFICATE_REQUIRED": "it wants a certificate of ours",
    "BAD_CERTIFICATE": "it does not take our certificate",
    "CERTIFICATE_UNKNOWN": "it does not take our certificate",
    "UNSUPPORTED_CERTIFICATE": "it does not take our certificate",
    "ACCESS_DENIED": "it does not let us in",
    "WRONG_VERSION_NUMBER": "it does not speak TLS there; is the port right?",
    "PROTOCOL_VERSION": "it speaks no TLS that is new enough",
    "HANDSHAKE_FAILURE": "we agree on no way to encrypt",
}


def tls_trouble(error: OSError) -> str:
    """Return why TLS failed, seen from the client."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(error.verify_code, error.verify_message)
    if not says_why(error):
        return "it hangs up; does it speak TLS there, and take our certificate?"
    reason = str(getattr(error, "reason", None) or "")
    for alert, words in _ALERTS.items():
        if reason.endswith(alert):
            return words
    return f"TLS failed ({reason.replace('_', ' ').lower() or type(error).__name__})"


def says_why(error: OSError) -> bool:
    """Tell whether an error of a TLS connection has a reason, or is just the end of it."""
    return isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)


def _unverified(code: int, message: str) -> str:
    if code in (_NAME, _ADDRESS):
        return (
            "its certificate is not for that name or address; connect by one that 'vedette ca init' was given"
        )
    if code == _ENDED:
        return "its certificate has ended; is 'vedette ca serve' running, and this machine's clock right?"
    if code == _NOT_BEGUN:
        return "its certificate has not begun yet; is this machine's clock right?"
    if code == _PURPOSE:
        return "its certificate is not a server's"
    if code in _UNKNOWN:
        return "its certificate is not of our CA; is this the right server?"
    return f"its certificate is not to be trusted ({message})"


def trusting(ca: str) -> ssl.SSLContext:
    """Return what makes TLS connections to servers of that CA (PEM) alone, their names checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=ca)
    context.sslsocket_class = _Socket
    return context


class _Socket(ssl.SSLSocket):
    """A socket that nobody has to close where the handshake failed: paho does not."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 (as in ssl)
        """Shake hands, or close."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Overheard(logging.Handler):
    """Keeps the last socket error that paho logged: it tells a caller only that the connection is lost."""

    def __init__(self) -> None:
        """Begin without any."""
        super().__init__(logging.ERROR)
        self._last: OSError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of an error among what is logged."""
        found = [each for each in record.args or () if isinstance(each, OSError)]
        self._last = found[-1] if found else self._last

    def take(self) -> OSError | None:
        """Return it, once."""
        last, self._last = self._last, None
        return last
