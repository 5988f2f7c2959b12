"""What becomes of what sessions say: whose it is, whether it is news, how they are. Pure."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Annotated, Final, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError
from vedette_schemas import Handover, Hello, MessageError, Process, Taken, WindowFocused, decode
from vedette_transport import Note

from .observing import Observed

MOST_USERS = 256
MOST_SESSIONS = 64
"""Sessions of one user whose sequences are remembered; of those that left, the one heard least recently is
forgotten: a self-test that comes each minute must not crowd out who sits there."""

_SOURCES: Final = ("window", "clipboard")
_LONGEST_WORDS = 300
_NOTE = "taken/"
_OF_USER: TypeAdapter[dict[str, int]] = TypeAdapter(
    Annotated[dict[str, int], Field(max_length=MOST_SESSIONS)]
)
_NOBODY = "off: no session is connected"


class Answer(NamedTuple):
    """What follows from a hand-over: an observation to publish, unless it is a repeat, and then `taken`.

    `note` is to be kept with the observation, so that the next run of the sensor knows a repeat, too.
    """

    taken: Taken
    observation: Observed | None
    note: Note


class Sessions:
    """The sessions that are connected, and what has been taken of each."""

    def __init__(
        self, hash_of: Callable[[Process, int], str | None], notes: Mapping[str, bytes] | None = None
    ) -> None:
        """Go on from the notes of the run before.

        `hash_of` tells the SHA-256 of the program of a user's process, if it is known already.
        """
        self._hash_of = hash_of
        self._connected: dict[Hashable, tuple[int, Hello | None]] = {}
        self._taken = _Sequences(notes or {})
        self._gave_way = 0
        self.facts: Mapping[str, str] = {}
        """What the heartbeat says of them. Replaced as a whole: another thread reads it."""
        self._tell()

    def joined(self, client: Hashable, uid: int) -> None:
        """Take in a session of the user whom the kernel vouches for."""
        self._connected[client] = uid, None
        self._tell()

    def left(self, client: Hashable) -> None:
        """Forget a session: nothing more is taken of it."""
        self._connected.pop(client, None)
        self._tell()

    def read(self, client: Hashable, line: bytes) -> Answer | None:
        """Take a line; nothing follows from a greeting, or once the session was cut off.

        Raises `MessageError` if it is neither a greeting nor, after one, a hand-over.
        """
        if client not in self._connected:
            return None
        uid, hello = self._connected[client]
        said = _parse(line)
        if isinstance(said, Hello):
            self._connected[client] = uid, said
            self._tell()
            return None
        if hello is None:
            raise MessageError("a hand-over before the greeting")
        here = {other.nonce for owner, other in self._connected.values() if owner == uid and other}
        rise = self._taken.rise(uid, hello.nonce, said.sequence, here)
        if rise > 1:
            self._gave_way += rise - 1
            self._tell()
        observation = self._stamp(said.observation, uid) if rise else None
        return Answer(Taken(sequence=said.sequence), observation, self._taken.note(uid))

    def _stamp(self, observation: Observed, uid: int) -> Observed:
        """Put its user and hash in: a session's own word on these counts for nothing."""
        if not isinstance(observation, WindowFocused):
            return observation.model_copy(update={"uid": uid})
        known = self._hash_of(observation.process, uid) if observation.process else None
        return observation.model_copy(update={"uid": uid, "sha256": known})

    def _tell(self) -> None:
        greetings = [hello for _, hello in self._connected.values() if hello is not None]
        words = {name: _together([hello.sources.get(name, "") for hello in greetings]) for name in _SOURCES}
        gave_way = f"{self._gave_way} observations gave way before the sensor could take them"
        lost = {"lost": gave_way} if self._gave_way else {}
        self.facts = {"sessions": str(len(greetings)), **words, **lost}


class _Sequences:
    """The highest sequence of each session: within one they only rise, so that is all there is to know."""

    def __init__(self, notes: Mapping[str, bytes]) -> None:
        self._highest: OrderedDict[int, OrderedDict[str, int]] = OrderedDict()
        for name, value in notes.items():
            with contextlib.suppress(ValueError, ValidationError):  # such a note is none of ours
                self._highest[int(name.removeprefix(_NOTE))] = OrderedDict(_OF_USER.validate_json(value))

    def rise(self, uid: int, nonce: str, sequence: int, here: Collection[str]) -> int:
        """Return by how much it is above the highest before; 0 says that it is none of the new ones.

        Each user has a room of their own, so that none can crowd others out. `here` are the user's sessions
        that are connected.
        """
        of_user = self._highest.setdefault(uid, OrderedDict())
        highest = of_user.pop(nonce, 0)
        of_user[nonce] = max(highest, sequence)
        self._highest.move_to_end(uid)
        while len(of_user) > MOST_SESSIONS:
            away = (name for name in of_user if name not in here)
            del of_user[next(away, next(iter(of_user)))]
        while len(self._highest) > MOST_USERS:
            self._highest.popitem(last=False)
        return max(0, sequence - highest)

    def note(self, uid: int) -> Note:
        """Return all that is remembered of a user."""
        return Note(f"{_NOTE}{uid}", _OF_USER.dump_json(self._highest[uid]))


def _parse(line: bytes) -> Handover | Hello:
    try:
        return decode(Handover, line)
    except MessageError:
        return decode(Hello, line)


def _together(words: list[str]) -> str:
    """Say for all sessions how a source is: each answer once, in characters that can be shown."""
    distinct = dict.fromkeys("".join(c if c.isprintable() else "?" for c in text) for text in words if text)
    return "; ".join(distinct)[:_LONGEST_WORDS] or _NOBODY
