"""Two network namespaces and the line between them, which can be cut, in both directions or in one."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(eq=False)
class Namespace:
    """A network of its own, for as long as its process lives."""

    pid: int
    address: str = ""

    @property
    def prefix(self) -> tuple[str, ...]:
        """What is to be put before a command to run it there."""
        return ("nsenter", f"--net=/proc/{self.pid}/ns/net")

    def run(self, *command: str) -> None:
        subprocess.run([*self.prefix, *command], check=True)


@dataclass(eq=False)
class Line:
    """The line between a host and the server, as seen from the host."""

    host: Namespace
    server: Namespace

    def cut(self, *, up: bool = True, down: bool = True) -> None:
        """Let nothing through any more, upwards (from the host), downwards, or both."""
        for hook, wanted in (("output", up), ("input", down)):
            if wanted:
                self.host.run("nft", f"add chain ip cut {hook} {{ policy drop; }}")

    def mend(self) -> None:
        """Let everything through again."""
        for hook in ("output", "input"):
            self.host.run("nft", f"add chain ip cut {hook} {{ policy accept; }}")


@contextmanager
def namespace() -> Generator[Namespace]:
    """Make a network namespace whose loopback is up."""
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo; exec sleep infinity"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()  # it is there
        found = Namespace(holder.pid)
        try:
            found.run("ip", "link", "set", "lo", "up")
            yield found
        finally:
            holder.kill()


def join(server: Namespace, host: Namespace, number: int) -> Line:
    """Lay a line: the server is 10.77.`number`.1 at it, the host 10.77.`number`.2."""
    name = f"line{number}"
    server.run("ip", "link", "add", name, "type", "veth", "peer", "name", name, "netns", str(host.pid))
    for end, last in ((server, 1), (host, 2)):
        end.run("ip", "addr", "add", f"10.77.{number}.{last}/30", "dev", name)
        end.run("ip", "link", "set", name, "up")
    host.address = f"10.77.{number}.1"
    host.run("nft", "add table ip cut")
    for hook in ("output", "input"):
        host.run("nft", f"add chain ip cut {hook} {{ type filter hook {hook} priority 0; policy accept; }}")
        device = "oif" if hook == "output" else "iif"
        host.run("nft", f"add rule ip cut {hook} {device} lo accept")
    return Line(host, server)


def open_loopback(server: Namespace, port: int) -> None:
    """Let the lines reach a broker that listens on the server's loopback only, as the embedded one does."""
    server.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet")
    server.run("nft", "add table ip nat")
    server.run("nft", "add chain ip nat pre { type nat hook prerouting priority -100; }")
    server.run("nft", f"add rule ip nat pre tcp dport {port} dnat to 127.0.0.1")
