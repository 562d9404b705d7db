"""The reader of this process, in step with a database whose positions begin anew for each test."""

from __future__ import annotations

import pytest

from app.kernel.http.app import Hub
from app.stream.broadcaster import broadcaster


@pytest.fixture(autouse=True)
def _in_step(app: Hub) -> None:
    broadcaster._head = 0
