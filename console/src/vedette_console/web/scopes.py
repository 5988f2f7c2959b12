"""What a token of a program can be good for."""

from enum import StrEnum


class Scope(StrEnum):
    """What a token is good for."""

    READ = "read"
    ACT = "act"
