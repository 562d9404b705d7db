"""Fixtures for tests of the PDFs of goods receipts."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_storage(each_storage: None) -> None:
    """An empty storage of each kind, because the ids start again with each test."""
