"""Who is who: `<program>@<host>` names a certificate, an MQTT client and a level of the topics."""

import re
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

from pydantic import StringConstraints

from .errors import MessageError
from .fields import HOST_LABEL


class Program(StrEnum):
    """The programs that have a principal, and people (`operator`)."""

    SENSOR = "sensor"
    ENFORCER = "enforcer"
    ANALYZER = "analyzer"
    CONSOLE = "console"
    OPERATOR = "operator"
    BROKER = "broker"
    CA = "ca"


_NAME = rf"(?:{'|'.join(Program)})@{HOST_LABEL}"
PrincipalName = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]

SERVER = "0"
"""The host part of the server's own principals, and the host of alerts about Vedette itself."""


class Principal(NamedTuple):
    """A program on a host."""

    program: Program
    host: str

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read `sensor@host-7`; raise `MessageError` on anything else."""
        if re.fullmatch(_NAME, name) is None:
            raise MessageError("not a principal")
        program, host = name.split("@")
        return cls(Program(program), host)

    def __str__(self) -> str:
        return f"{self.program}@{self.host}"


ANALYZER = Principal(Program.ANALYZER, SERVER)
BROKER = Principal(Program.BROKER, SERVER)
CA = Principal(Program.CA, SERVER)
