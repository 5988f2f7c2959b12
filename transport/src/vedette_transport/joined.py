"""What joining left on a host: identities, and where its server is."""

from pathlib import Path

from .settings import Address, BrokerAddress, Settings, load_settings

IDENTITIES = Path("/var/lib/vedette/identity")
"""Where a host keeps the identities of its programs, each in a folder named for the program."""

SERVER = "server.toml"


class Server(Settings):
    """Where a host finds its server: `server.toml`, beside the identities."""

    ca: Address
    broker: BrokerAddress

    @classmethod
    def beside(cls, identity: Path) -> "Server":
        """Read the file that `join` wrote beside an identity; raise `SettingsError` as other settings do."""
        return load_settings(cls, identity.parent / SERVER)

    @staticmethod
    def is_beside(identity: Path) -> bool:
        """Tell whether there is such a file."""
        return (identity.parent / SERVER).exists()
