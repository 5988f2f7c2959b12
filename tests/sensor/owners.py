"""Owners of the clipboard that do as they are told."""

import select
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from Xlib import X
from Xlib.protocol import rq
from Xlib.protocol.event import SelectionNotify

from tests.desktop import XClient


class Owner:
    """Owns the clipboard, and answers requests in a thread until it is closed.

    `offers` are its targets and what they hold. One whose content is `None` is begun in pieces (INCR), of
    which none ever comes. `silent` answers nothing at all.
    """

    def __init__(
        self,
        display: str,
        offers: Mapping[str, bytes | None],
        *,
        silent: bool = False,
        selection: str = "CLIPBOARD",
    ) -> None:
        self._client = XClient(display)
        self._offers, self._silent = dict(offers), silent
        self._window = self._client.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        self._ended = threading.Event()
        self.asked: list[str] = []
        self._window.set_selection_owner(self._client.atom(selection), X.CurrentTime)
        self._client.display.flush()
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _answer(self) -> None:
        while not self._ended.is_set():
            select.select([self._client.display], [], [], 0.02)
            for _ in range(self._client.display.pending_events()):
                event = self._client.display.next_event()
                if event.type == X.SelectionRequest:
                    self.asked.append(self._client.display.get_atom_name(event.target))
                    if not self._silent:
                        self._give(event)

    def _give(self, request: rq.Event) -> None:
        name = self._client.display.get_atom_name(request.target)
        atom = self._client.atom
        place = request.property
        if name == "TARGETS":
            request.requestor.change_property(
                place, atom("ATOM"), 32, [atom(offer) for offer in self._offers]
            )
        elif name not in self._offers:
            place = X.NONE
        elif (content := self._offers[name]) is None:
            request.requestor.change_property(place, atom("INCR"), 32, [1_000_000])
        else:
            request.requestor.change_property(place, request.target, 8, content)
        notice = SelectionNotify(
            time=request.time,
            requestor=request.requestor,
            selection=request.selection,
            target=request.target,
            property=place,
        )
        request.requestor.send_event(notice)
        self._client.display.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._client.close()
