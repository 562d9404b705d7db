"""Packages that are being sent: how many an owner and a process may have, because each holds many files open."""

from __future__ import annotations

import threading
from collections import Counter

from app.kernel.errors import Busy, TooManyRequests
from app.kernel.messages import N_

#: Packages of one owner, and of all owners, that a process sends at the same time.
MOST_OF_OWNER, MOST = 2, 8
_RETRY_AFTER = {"Retry-After": "30"}


class TooManyPackages(TooManyRequests):
    message = N_("Two packages of this owner are being downloaded. Wait until one of them is complete.")
    code = "TOO_MANY_PACKAGES"


class NoPlaceForPackage(Busy):
    message = N_("Too many packages are being downloaded. Try again shortly.")
    code = "NO_PLACE_FOR_PACKAGE"


class PackagePlaces:
    """The packages that this process sends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_owner: Counter[int] = Counter()

    def reserve(self, owner_id: int) -> None:
        """Take a place; ``release`` gives it back.

        Raises:
            TooManyPackages: the owner has as many as it may have.
            NoPlaceForPackage: all owners together have as many as they may have.
        """
        with self._lock:
            if self._by_owner[owner_id] >= MOST_OF_OWNER:
                raise TooManyPackages(headers=_RETRY_AFTER)
            if self._by_owner.total() >= MOST:
                raise NoPlaceForPackage(headers=_RETRY_AFTER)
            self._by_owner[owner_id] += 1

    def release(self, owner_id: int) -> None:
        """Give the place of a package back that is complete, or whose reader is gone."""
        with self._lock:
            self._by_owner[owner_id] -= 1


places = PackagePlaces()
