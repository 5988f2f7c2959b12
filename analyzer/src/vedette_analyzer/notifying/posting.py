"""Posts one message by apprise, in a process of its own: what a service answers fills or holds up no other.

What is to be posted comes as JSON on standard input, so that the URL with its secrets stands in no list of
processes; what came of it goes as JSON to standard output.
"""

import contextlib
import logging
import re
import resource
import signal
import sys
from pathlib import Path

from vedette_schemas import Message

_MOST_MEMORY = 512 << 20
_STATUS = re.compile(r"\berror=(\d{3})\b")
_QUIET = logging.CRITICAL + 1


class Post(Message):
    """A message for the service that `url` names, which has `seconds` to take it.

    Without a body nothing is sent: whether the URL can be used is all that is asked.
    """

    url: str
    title: str = ""
    body: str | None = None
    is_grave: bool = False
    seconds: int = 10


class Posted(Message):
    """What came of it; `status` is what the service answered, where apprise says so."""

    is_known: bool = True
    is_sent: bool = False
    status: int | None = None


class _Statuses(logging.Handler):
    """Reads HTTP's status out of apprise's log, and nothing else: whole URLs stand there."""

    def __init__(self) -> None:
        super().__init__()
        self.last: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if (found := _STATUS.search(record.getMessage())) is not None:
            self.last = int(found[1])


def post(what: Post) -> Posted:
    """Post it; being sent elsewhere is no answer, unless the URL itself allows it (`redirect=yes`)."""
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 (an extra, and large)

    statuses, log = _Statuses(), logging.getLogger("apprise")
    log.addHandler(statuses)
    log.propagate = False
    logging.getLogger("urllib3").setLevel(_QUIET)
    service = Apprise(asset=AppriseAsset(http_redirects=False))
    if not service.add(what.url):
        return Posted(is_known=False)
    if what.body is None:
        return Posted()
    signal.alarm(what.seconds)
    is_sent = service.notify(
        body=what.body,
        title=what.title,
        notify_type="failure" if what.is_grave else "warning",
        body_format="text",
        interpret_escapes=False,
    )
    signal.alarm(0)
    return Posted(is_sent=bool(is_sent), status=statuses.last)


if __name__ == "__main__":
    with contextlib.suppress(OSError):  # where memory ends all the same, it is this that goes
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    sys.stdout.write(post(Post.model_validate_json(sys.stdin.buffer.read())).model_dump_json())
