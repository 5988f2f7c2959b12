"""Connects to a broker, a thousand a second and from one address, until it is ended: `hosts_flood PORT`."""

import contextlib
import socket
import ssl
import sys
import time
from collections import deque

A_SECOND = 1_000
FROM = "127.0.0.2"
_HELD = 2_000
"""Connections that stay open, if the broker lets them."""


def hello() -> bytes:
    """Return what a TLS client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def main() -> None:
    """Flood; each tenth of a second say how many connections there were."""
    port, greeting = int(sys.argv[1]), hello()
    held: deque[socket.socket] = deque()
    began, made = time.monotonic(), 0
    while True:
        with contextlib.suppress(OSError):
            connection = socket.create_connection(("127.0.0.1", port), timeout=5.0, source_address=(FROM, 0))
            held.append(connection)
            connection.sendall(greeting)
        if len(held) > _HELD:
            held.popleft().close()
        made += 1
        if made % (A_SECOND // 10) == 0:
            sys.stdout.write(f"{made / (time.monotonic() - began):.0f}\n")
            sys.stdout.flush()
        time.sleep(max(0.0, began + made / A_SECOND - time.monotonic()))


if __name__ == "__main__":
    main()
