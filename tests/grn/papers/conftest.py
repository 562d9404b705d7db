"""Each test has its own folder for files."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_storage(own_folder: None) -> None:
    """The tests of what is stored use ``each_storage`` besides."""
