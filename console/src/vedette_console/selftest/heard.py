"""What a self-test sends out, and what comes back of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from vedette_schemas import (
    Act,
    ActAnswer,
    Alert,
    Direct,
    Kind,
    Principal,
    Program,
    SelfTest,
    Status,
    ordered_id,
    selftest_text,
    topics,
)

_LIFE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent out: texts by the kind of observation, an act, and one that is altered on its way.

    `socket` is the sensor's, `None` where it is on another machine; then no text is handed over.
    """

    operator: Principal
    host: str
    socket: Path | None
    plain: bool
    texts: dict[Kind, str]
    act: Act
    altered: Act

    @classmethod
    def new(cls, operator: Principal, host: str, socket: Path | None, *, plain: bool) -> "Plan":
        """Draw texts and acts that nobody can guess."""
        kinds = () if socket is None else (Kind.WINDOW, Kind.CLIPBOARD)
        texts = {kind: selftest_text() for kind in kinds}
        return cls(operator, host, socket, plain, texts, _act(operator, host), _act(operator, host))

    @property
    def command_id(self) -> UUID:
        """The id of the command that the act leads to."""
        return ordered_id(self.act.id, SelfTest())

    @property
    def enforcer(self) -> Principal:
        """Whom the command is for."""
        return Principal(Program.ENFORCER, self.host)

    @property
    def forbidden(self) -> tuple[str, ...]:
        """Topics that an operator may not read."""
        sensor = Principal(Program.SENSOR, self.host)
        return topics.command(self.enforcer), topics.report(sensor, Kind.CLIPBOARD)


def _act(operator: Principal, host: str) -> Act:
    now = datetime.now(UTC)
    what = Direct(host=host, order=SelfTest())
    return Act(id=uuid4(), issuer=str(operator), issued_at=now, expires_at=now + _LIFE, what=what)


@dataclass(frozen=True, slots=True)
class Tls:
    """How the connection to the broker is protected."""

    version: str
    subject: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """An alert, and how many seconds after what it is about was sent out it came."""

    alert: Alert
    after: float


@dataclass(slots=True)
class Heard:
    """What came back until nothing more was waited for, times in seconds since what they are about went out.

    `sent_at` is when that was by the clock. `complaint` is why there is no connection, and
    `is_listening` whether anything takes one there. `unreachable` why
    there is no sensor. `granted` are topics that an operator may not read and the broker let us subscribe
    to; `leaked` those under which something came.
    """

    is_connected: bool = False
    is_listening: bool = True
    sent_at: datetime | None = None
    complaint: str = ""
    tls: Tls | None = None
    granted: frozenset[str] = frozenset()
    leaked: set[str] = field(default_factory=set[str])
    forged: bool = False
    unreachable: str = ""
    taken: dict[Kind, float] = field(default_factory=dict[Kind, float])
    told: dict[Kind, Told] = field(default_factory=dict[Kind, Told])
    answer: ActAnswer | None = None
    final: Told | None = None
    refused: Alert | None = None
    analyzer: Status | None = None

    def is_complete(self, plan: Plan) -> bool:
        """Tell whether nothing more is to come."""
        has_ended = self.final is not None or (self.answer is not None and not self.answer.done)
        has_told = bool(self.unreachable) or set(plan.texts) <= set(self.told)
        return has_ended and has_told and self.refused is not None

    @property
    def analyzer_lives(self) -> bool:
        """Whether anything came that only the analyzer says."""
        return bool(self.told or self.answer or self.final or self.refused or self.analyzer)

    @property
    def is_archived(self) -> bool:
        """Whether anything came that is only said once it is archived."""
        return bool(self.told or self.answer or self.final or self.refused)
