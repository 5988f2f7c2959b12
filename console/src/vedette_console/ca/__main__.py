"""`vedette ca serve`, as a program of its own: `python -m vedette_console.ca --settings FILE`."""

from vedette_transport import run

from .serving import serve


def main() -> None:
    """Run the program."""
    run("vedette-ca", "Certifies hosts and operators; the one program that holds the CA's key.", serve)


if __name__ == "__main__":
    main()
