"""A reader of the stream of sales that reconnects as a browser does, with the id of the last event."""

from __future__ import annotations

import queue
import threading
import time

from tests.drills.hubs import DrillHub


class Follower:
    """Reads the stream of one web process until it is closed."""

    def __init__(self, hub: DrillHub, web: int) -> None:
        self._hub, self._web = hub, web
        self.ids: list[int] = []
        #: Invoice number -> time of arrival (``time.monotonic()``).
        self.invoices: dict[str, float] = {}
        self._closing = threading.Event()
        self._listener = hub.listen(web=web)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                frame = self._listener.frames.get(timeout=0.2)
            except queue.Empty:
                continue
            if frame is None:
                self._listener.close()
                self._listener = self._hub.listen(web=self._web, after=str(self.ids[-1]) if self.ids else None)
            elif frame.id is not None:
                self.ids.append(int(frame.id))
                self.invoices.setdefault(frame.json["invoice_no"], time.monotonic())
