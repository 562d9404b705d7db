"""A storage folder for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.kernel.http.app import Hub


@pytest.fixture(autouse=True)
def _own_storage(app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ids start at 1 in each test, so each test needs its own files."""
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)
