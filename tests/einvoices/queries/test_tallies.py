"""Totals of lists from tallies."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.queries import tallies
from app.extensions import db
from tests.einvoices.helpers import URL, create_draft, list_page, perform


def test_totals_of_lists_stay_correct_after_changes(owner: FlaskClient, owner_as: Callable[..., FlaskClient]) -> None:
    other, admin = owner_as(), owner_as("admin")
    create_draft(other)
    for number in range(12):
        einvoice = create_draft(owner, marketplace=("a", "b", None)[number % 3])
        if number % 2:
            perform(owner, einvoice["id"], "issue")
        if number == 6:
            tallies.compact()
        owner.patch(f"{URL}/{einvoice['id']}", json={"marketplace": "c"})
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM e_invoices WHERE id = 2"))
    before = tallies.compact()
    assert before
    assert list_page(owner)["meta"]["total"] == len(list_page(owner, cursor="", per_page=100)["data"])
    for query in ({"status": "issued"}, {"marketplace": "c"}, {"status": "draft", "marketplace": "b"}):
        assert list_page(owner, **query)["meta"]["total"] == len(list_page(owner, per_page=100, **query)["data"])
    assert list_page(other)["meta"]["total"] == 1
    assert list_page(admin)["meta"]["total"] == list_page(owner)["meta"]["total"] + 1
