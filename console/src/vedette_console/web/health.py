"""Whether the console that runs on this machine is well: also a program of its own, which loads little."""

import http.client
import ssl
import sys
from pathlib import Path

from .settings import EVERYWHERE, ConsoleSettings

_PATIENCE_SECONDS = 5.0


def ask(settings: ConsoleSettings) -> tuple[bool, str]:
    """Ask it as a browser would; return whether it is well, and its words or what kept it from answering."""
    host = "127.0.0.1" if settings.listen.host in EVERYWHERE else settings.listen.host
    port = settings.listen.port
    connection: http.client.HTTPConnection
    if settings.speaks_tls:
        context = ssl.create_default_context()
        # We ask ourselves, for no more than how we are: what a certificate would prove is not needed.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=_PATIENCE_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", "/health", headers={"Host": f"localhost:{port}"})
        answer = connection.getresponse()
        return answer.status == 200, answer.read(200).decode("utf-8", "replace").strip()  # noqa: PLR2004
    except (OSError, http.client.HTTPException) as error:
        return False, f"no console answers at {settings.listen}: {error}"
    finally:
        connection.close()


def main() -> None:
    """Ask the console whose settings are named; leave with 1 where it is not well."""
    well, words = ask(ConsoleSettings.of(Path(sys.argv[1])))
    sys.stdout.write(f"{words}\n")
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
