"""Runs commands of the hub."""

from __future__ import annotations

import pytest
from click.testing import Result

from app.kernel.http.app import Hub
from tests.operations.cli.cli_helpers import Run


@pytest.fixture
def run(app: Hub) -> Run:
    def invoke(*words: str, answer: str | None = None) -> Result:
        return app.test_cli_runner().invoke(args=list(words), input=answer)

    return invoke
