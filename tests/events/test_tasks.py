"""The relay as Celery runs it."""

from __future__ import annotations

from flask.testing import FlaskClient

from app import events
from app.extensions import celery
from tests.factories import a_sale


def test_the_task_assigns_a_position_to_the_event_of_an_import(erp: FlaskClient) -> None:
    assert erp.post("/api/sales/import/invoice/", json=a_sale()).status_code == 201
    assert celery.tasks["events.relay"].apply().get() == 1
    assert events.last_position() == 1
    assert celery.tasks["events.relay"].apply().get() == 0
