"""What the requests to the simulator share: store, choice of a behaviour, counts."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field

from app.einvoices.providers.behaviours import DEFAULT
from app.provider_simulator.document_store import DocumentStore


@dataclass
class Simulator:
    """What the requests share.

    Attributes:
        hang_seconds: how long a request without an answer is held; longer than the hub waits.
        counts: what became of the requests since the start.
    """

    store: DocumentStore
    token: str = ""
    slow_seconds: float = 3.0
    hang_seconds: float = 20.0
    chance: random.Random = field(default_factory=random.Random)
    counts: Counter[str] = field(default_factory=Counter)
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def default(self) -> str:
        """The behaviour for whatever no share and no request chooses."""
        return str(self.store.setting("default", DEFAULT))

    @property
    def shares(self) -> dict[str, int]:
        """Percentages by behaviour."""
        return dict(self.store.setting("shares", {}))

    @property
    def look_up_failures(self) -> int:
        """Percentage of the look-ups that answer 503."""
        return int(self.store.setting("look_up_failures", 0))

    def count(self, what: str) -> None:
        """Count what became of a request."""
        with self.lock:
            self.counts[what] += 1

    def draw(self) -> str:
        """The behaviour for a request that asks for none: by the shares, else the default."""
        with self.lock:
            point = self.chance.uniform(0, 100)
        for name, share in self.shares.items():
            if point < share:
                return name
            point -= share
        return self.default

    def fails_look_up(self) -> bool:
        """Whether this look-up gets no answer."""
        with self.lock:
            return self.chance.uniform(0, 100) < self.look_up_failures
