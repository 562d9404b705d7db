"""The list of e-invoices for a page: searches for common words, and plans that do not depend on parameters."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql

from app.einvoices.models.einvoices import Einvoice
from app.einvoices.queries import work_list
from app.einvoices.queries.problems import PROBLEMS
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.pagination.walk import Count, Place
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import create_draft
from tests.factories import a_user

FILL = """
    INSERT INTO e_invoices (owner_id, status, type, series_id, number, invoice_no, issued_at, buyer_name, currency,
        subtotal, discount_total, tax_total, grand_total, provider, created_at, updated_at)
    SELECT :owner, 'accepted', 'sale', :series, n, 'EA-' || n, now(), 'Buyer', 'TRY', 100, 0, 20, 120, 'null', now(),
        now()
    FROM generate_series(1, 3000) AS n
"""
SERIES = (
    "INSERT INTO e_invoice_series (owner_id, prefix, year, last_number) VALUES (:owner, 'EA', 2026, 3000) RETURNING id"
)


def numbers_found(filters: dict[str, str]) -> tuple[list[int], Count]:
    source = work_list.source(filters, None)
    return [row.id for row in source.page("-created", Place(20)).rows], source.count()


def test_a_common_word_is_not_counted(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    common = [create_draft(owner, buyer={"name": f"Ayşe {number}"})["id"] for number in range(6)]
    rare = create_draft(owner, buyer={"name": "Meera"})["id"]
    newest_first = common[::-1]
    assert numbers_found({"search": "ayse"}) == (newest_first, Count(6, exact=False))
    assert numbers_found({"search": "meera"}) == ([rare], Count(1))
    monkeypatch.setattr(work_list, "RECENT_EINVOICES", 5)  # beside the rare one these are four of the common word
    assert numbers_found({"search": "ayse"}) == (newest_first, Count(6))
    assert numbers_found({"search": "ayse 3"}) == ([common[3]], Count(1))


def test_the_few_that_need_a_person_are_found_by_an_index_whatever_the_parameters(app: Hub) -> None:
    """PostgreSQL keeps a plan for all parameters; with the status as a parameter it would read the whole list."""
    with unit_of_work():
        owner = a_user().id
        series = db.session.scalar(text(SERIES), {"owner": owner})
        db.session.execute(text(FILL), {"owner": owner, "series": series})
    newest = select(Einvoice.id).order_by(Einvoice.id.desc()).limit(20)
    with db.engine.connect() as connection:
        connection.execute(text("ANALYZE e_invoices"))
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        for name in ("rejected", "accepted_late"):
            compiled = newest.where(PROBLEMS[name]()).compile(
                dialect=postgresql.asyncpg.dialect(), compile_kwargs={"render_postcompile": True}
            )
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {compiled}").scalars())
            assert "pk_e_invoices" not in plan, plan
            assert "ix_e_invoices_" in plan
