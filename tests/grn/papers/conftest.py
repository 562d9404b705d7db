"""Fixtures for tests of the PDFs of goods receipts."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.kernel.http.app import Hub


@pytest.fixture(autouse=True)
def _own_storage(app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty storage for each test, because the ids start again with each test."""
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)
