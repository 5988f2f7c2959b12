"""How a host or an operator comes by certificates: the token, what is asked for, what comes back."""

import base64
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationError

from .errors import MessageError
from .fields import HOST_LABEL, VERSION, Message, Sentence, Sha256, Time
from .principals import SERVER, Principal, PrincipalName, Program

MAX_REQUEST = 16 * 1024
"""Bytes of a request to the CA beyond which it is refused unread."""

_PREFIX = "vedette1."
_MOST_CHARACTERS = 2_000

Joiner = Annotated[str, StringConstraints(pattern=rf"^(?:{Program.OPERATOR}@)?{HOST_LABEL}$")]
Endpoint = Annotated[
    str, StringConstraints(pattern=r"^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[1-9][0-9]{0,4}$")
]
"""Where something listens: a name or an address, and a port."""

Pem = Annotated[str, StringConstraints(max_length=4_096)]
Secret = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]


class JoinToken(Message):
    """What a host needs to join, in one line of text: whoever holds its secret may join once, as `name`."""

    version: Literal[1] = VERSION
    name: Joiner
    expires_at: Time
    ca: Endpoint
    broker: Endpoint
    fingerprint: Sha256
    secret: Secret

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a token as it was copied; raise `MessageError` if it is none."""
        line = "".join(text.split())  # terminals and mails wrap it
        try:
            if len(line) > _MOST_CHARACTERS or not line.startswith(_PREFIX):
                raise ValueError
            return cls.model_validate_json(base64.urlsafe_b64decode(line.removeprefix(_PREFIX) + "=="))
        except (ValueError, ValidationError):
            raise MessageError(
                "not a token, or not all of it: copy the line that 'vedette enrol' printed"
            ) from None

    def write(self) -> str:
        """Return the line of text to copy."""
        return _PREFIX + base64.urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")

    @property
    def is_operators(self) -> bool:
        """Whether it is for a person, not for a host."""
        return "@" in self.name


class Enrolment(Message):
    """What a newcomer asks the CA, by a token's secret: certificates for these requests (PKCS #10)."""

    version: Literal[1] = VERSION
    secret: Secret
    requests: Annotated[tuple[Pem, ...], Field(min_length=1, max_length=2)]


class Renewal(Message):
    """What a principal asks the CA, signed with the key it has: a certificate for its next one."""

    version: Literal[1] = VERSION
    id: UUID
    issuer: PrincipalName
    issued_at: Time
    request: Pem


class Issued(Message):
    """The certificates that were asked for, in that order."""

    version: Literal[1] = VERSION
    certificates: Annotated[tuple[Pem, ...], Field(min_length=1, max_length=2)]


class Refusal(Message):
    """Why the CA does not do what it was asked; `words` are a sentence for people."""

    version: Literal[1] = VERSION
    words: Sentence


def principals_of(name: str) -> tuple[Principal, ...]:
    """Return who joins under `name`: a host's two programs, or an operator.

    Raise `MessageError` where nobody can join under it.
    """
    if "@" in name:
        operator = Principal.parse(name)
        if operator.program is not Program.OPERATOR:
            raise MessageError("a host is enrolled by its name alone, a person as operator@NAME")
        return (operator,)
    if name == SERVER:
        raise MessageError(f"{SERVER} is the server itself")
    return tuple(Principal.parse(f"{program}@{name}") for program in (Program.SENSOR, Program.ENFORCER))
