"""What `vedette up` shows: alerts, each once what was done is known, and what else there is to say."""

import json
import sys
import time
from collections import OrderedDict
from uuid import UUID

from rich.console import Console
from vedette_schemas import Alert, Mode, State

from .lines import alert_line, plain

OVERDUE_SECONDS = 3.0
"""How long a line waits for what was done; then it is shown without."""

MOST_UNSETTLED = 1_000


class Screen:
    """Lines for people, or, with `as_json`, alerts for machines on stdout and all else on stderr."""

    def __init__(self, *, as_json: bool) -> None:
        """Begin without any."""
        self.as_json = as_json
        self._console = Console(highlight=False, soft_wrap=True, file=sys.stdout)
        self._unsettled: OrderedDict[UUID, tuple[Alert, float]] = OrderedDict()

    def alert(self, alert: Alert) -> None:
        """Show an alert, at once or when what was done about it is known."""
        if self.as_json:
            told = alert.model_dump(mode="json", exclude_none=True)
            sys.stdout.write(json.dumps(told) + "\n")  # in ASCII: nothing in it acts on a terminal
            sys.stdout.flush()
        elif alert.state is State.PENDING and alert.mode is not Mode.APPROVE:
            self._unsettled[alert.id] = alert, time.monotonic() + OVERDUE_SECONDS
        else:
            self._unsettled.pop(alert.id, None)
            self._show(alert)

    def show_overdue(self) -> None:
        """Show what has waited long enough for its outcome, or is too much to wait for."""
        now = time.monotonic()
        while self._unsettled:
            alert, due = next(iter(self._unsettled.values()))
            if due > now and len(self._unsettled) <= MOST_UNSETTLED:
                return
            self._unsettled.popitem(last=False)
            self._show(alert)

    def _show(self, alert: Alert) -> None:
        self._console.print(alert_line(alert))

    def say(self, text: str) -> None:
        """Say something."""
        text = plain(text, most=2_000)
        if self.as_json:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
        else:
            self._console.print(text, markup=False)
