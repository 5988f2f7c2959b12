"""Settings: a TOML file in, one frozen model out."""

import tomllib
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from vedette_schemas import SettingsError


class Settings(BaseModel):
    """The base of every program's settings: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _names_a_file(path: Path) -> Path:
    if not path.name:
        raise ValueError(f"{path} is a folder: name a file")
    return path


FilePath = Annotated[Path, AfterValidator(_names_a_file)]
"""A file of our own: its name may be added to."""


class Address(Settings):
    """Where something listens."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(ge=1, le=65_535)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `HOST:PORT` or `[IPv6]:PORT`; raise `SettingsError` on anything else."""
        host, _, port = text.rpartition(":")
        try:
            return cls(host=host.removeprefix("[").removesuffix("]"), port=int(port))
        except ValueError:
            raise SettingsError(f"{text!r}: give HOST:PORT, as in 192.0.2.5:8883") from None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class BrokerAddress(Address):
    """Where the MQTT broker listens. `plain` asks for a connection without TLS, whatever the identity."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    port: int = Field(default=1883, ge=1, le=65_535)
    plain: bool = False

    @classmethod
    def parse(cls, text: str, *, plain: bool = False) -> Self:
        """Read it as any address."""
        return super().parse(text).model_copy(update={"plain": plain})


_S = TypeVar("_S", bound=Settings)


def load_settings(model: type[_S], path: Path) -> _S:
    """Read `path`; raise `SettingsError`, a line that says which setting is wrong and how."""
    try:
        return model.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {_first_problem(error, model)}") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise SettingsError(f"{path}: not TOML: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path}: not TOML: nested too deeply") from None


def _first_problem(error: ValidationError, model: type[Settings]) -> str:
    # A misspelt name first: it may be why another is missing.
    problem = min(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    name = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        known = f"; known are {', '.join(sorted(model.model_fields))}" if len(problem["loc"]) == 1 else ""
        return f"unknown setting '{name}'{known}"
    return f"'{name}': {problem['msg']}" if name else problem["msg"]
