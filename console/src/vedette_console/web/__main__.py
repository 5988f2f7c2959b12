"""The console's process, as `vedette up` and the container run it."""

from vedette_transport.entry import run

from .serving import serve
from .settings import ConsoleSettings


def main() -> None:
    """Serve as the settings say."""
    run("vedette-console", "The web console.", lambda path: serve(ConsoleSettings.of(path)))


if __name__ == "__main__":
    main()
