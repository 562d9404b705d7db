"""The samples of ``docs/sales-floor.md``, run in the order in which they are read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from flask.testing import FlaskClient

from app.sales.floor.steps import STEPS
from tests.sales.helpers import a_person, imported

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sales-floor.md").read_text()
SAMPLE = re.compile(r"```http\n(GET|POST) (\S+)\n(.*?)```", re.DOTALL)


def test_every_sample_works(erp: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
    clerk = a_person(client_as, "billing", name="Ravi")
    imported(erp, invoice_no="LTPI-77282")
    samples = SAMPLE.findall(PAGE)
    assert len(samples) > 10
    for method, path, body in samples:
        answer = clerk.client.open(path, method=method, json=json.loads(body) if body else None)
        assert answer.status_code in {200, 201}, (method, path, answer.json)
        if answer.mimetype == "application/json" and "success" in answer.json:
            assert answer.json["success"] is True, answer.json
    assert clerk.sees("LTPI-77282")["status"] == "DELIVERED"


def test_the_table_of_the_page_names_every_state_of_the_steps() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    for name in ("picking.start", "packing.complete", "boxing.complete", "delivery.internal", "delivery.complete"):
        [(before, after)] = STEPS[name].moves.items()
        assert any(f"| {before} | {after} |" in row for row in rows), name
