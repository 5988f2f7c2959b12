"""Where acts come in: each is carried out once, by whoever may act, and answered once that is archived."""

import base64
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from vedette_archive import ArchivedAct
from vedette_schemas import (
    MAX_TOKEN,
    Act,
    ActAnswer,
    Direct,
    MessageError,
    SelfTest,
    Severity,
    decode,
    topics,
)
from vedette_transport.signing import ALTERED, ActRefusedError, ActVerifier

from .core import Analyzer
from .orders import Effect
from .ration import Ration, with_held_back
from .troubles import trouble

_SELFTEST = "selftest"
_REFUSALS, _REFUSALS_WITHIN = 10, timedelta(minutes=10)


class ActDesk:
    """Takes acts in; what they lead to is yielded: commands and answers to send, all else to archive."""

    def __init__(
        self, verifier: ActVerifier, analyzer: Analyzer, archived: Callable[[UUID], ArchivedAct | None]
    ) -> None:
        """Trust what `verifier` trusts; `archived` tells what the archive knows of an act."""
        self._verifier = verifier
        self._analyzer, self._archived = analyzer, archived
        self._under_way: set[UUID] = set()
        self._ration = Ration(_REFUSALS, _REFUSALS_WITHIN)

    def take(self, topic: str, payload: bytes | bytearray, now: datetime) -> Iterator[Effect | ActAnswer]:
        """Take an act in; raise `MessageError` where it can't be attributed to who may act at all."""
        author = topics.read_act_topic(topic)
        token = _token(payload)
        try:
            act = self._verifier.verify(token, now)
        except ActRefusedError as refused:
            yield from self._refuse(refused, token, str(author), now)
            return
        if act.issuer != str(author):
            raise MessageError("an act under the topic of another")
        if act.id in self._under_way:
            return
        known = self._archived(act.id)
        if known is not None:
            yield from [_answer(known)] if known.issuer == act.author else []
            return
        self._under_way.add(act.id)
        yield from self._analyzer.act(act, token, now)

    def archived(self, acts: Iterable[ArchivedAct]) -> Iterator[ActAnswer]:
        """Yield the answers to acts that have been archived."""
        for act in acts:
            self._under_way.discard(act.id)
            yield _answer(act)

    def _refuse(
        self, refused: ActRefusedError, token: str, author: str, now: datetime
    ) -> Iterator[Effect | ActAnswer]:
        """Answer an author who is known; whoever pretends to be one is an alert.

        An altered act that would do nothing is told as what it claims to be, a self-test: each sends one.
        """
        act: Act | None = refused.act
        if act is not None and act.issuer == author:
            yield ActAnswer(audience=author, act_id=act.id, done=False, words=f"refused: {refused.reason}")
            return
        claimed = _claimed_test(token) if refused.reason == ALTERED else None
        held_back = self._ration.take("" if claimed is None else _SELFTEST, now)
        if held_back is not None and claimed is not None:
            words = with_held_back(
                f"a self-test's act was refused: {refused.reason}: {claimed.id}", held_back
            )
            yield trouble(_SELFTEST, Severity.INFO, words, now=now, name=str(claimed.id))
        elif held_back is not None:
            words = with_held_back(
                f"an act that {author} is said to want was refused: {refused.reason}", held_back
            )
            yield trouble("act-refused", Severity.HIGH, words, now=now)


def _claimed_test(token: str) -> Act | None:
    """Return what a token that is not to be trusted says, if that is an act which would only test."""
    try:
        act = decode(Act, base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    except (ValueError, IndexError, MessageError):
        return None
    return act if isinstance(act.what, Direct) and isinstance(act.what.order, SelfTest) else None


def _token(payload: bytes | bytearray) -> str:
    """Return the payload as a token; what is none becomes the empty one, which nobody signed."""
    if len(payload) > MAX_TOKEN:
        return ""
    try:
        return payload.decode("ascii")
    except UnicodeDecodeError:
        return ""


def _answer(act: ArchivedAct) -> ActAnswer:
    console_or_person, _, _account = act.issuer.partition("/")  # the archive has the account, too
    return ActAnswer(
        audience=console_or_person, act_id=act.id, done=act.done, words=act.words, command_id=act.command_id
    )
