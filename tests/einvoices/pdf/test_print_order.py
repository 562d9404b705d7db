"""Order of printing: users take turns, and short documents are printed between the parts of a long one."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select, text, update

from app.einvoices.models.work import EinvoicePdf
from app.einvoices.pdf import context, print_job
from app.extensions import db
from tests.einvoices.helpers import create_issued, fetch_pdf
from tests.factories import a_draft

LONG_NAME = "Pamuklu tişört, uzun bir açıklama ile, " * 12


def create_long(client: FlaskClient) -> int:
    """Issue an e-invoice of two parts."""
    [item, *_] = a_draft()["items"]
    einvoice: int = create_issued(client, items=[{**item, "name": LONG_NAME} for _ in range(70)])["id"]
    return einvoice


def create_short(client: FlaskClient) -> int:
    einvoice: int = create_issued(client)["id"]
    return einvoice


def printed() -> list[int]:
    """Ids in the order in which their PDFs were finished."""
    with db.engine.connect() as connection:
        finished = select(EinvoicePdf.einvoice_id).where(EinvoicePdf.state == "done").order_by(EinvoicePdf.finished_at)
        return list(connection.scalars(finished))


def print_all() -> None:
    while print_job.print_due():
        pass


def test_users_take_turns(owner_as: Callable[..., FlaskClient]) -> None:
    first, second = owner_as(), owner_as()
    many = [create_short(first) for _ in range(4)]
    for _ in range(2):
        create_short(second)
    print_all()
    order = printed()
    assert {one in many for one in order[:2]} == {True, False}
    assert {one in many for one in order[2:4]} == {True, False}
    assert [one for one in order if one in many] == many


def test_rows_of_an_earlier_release_are_printed_after_those_with_an_owner(owner_as: Callable[..., FlaskClient]) -> None:
    first, second = owner_as(), owner_as()
    old, *new = [create_short(client) for client in (first, first, second)]
    with db.engine.begin() as connection:
        connection.execute(update(EinvoicePdf).where(EinvoicePdf.einvoice_id == old).values(owner_id=None))
    print_job.PRINT_QUEUE.turns.last = 0
    print_all()
    assert printed() == [*new, old]


def test_a_new_process_begins_with_the_longest_wait(owner_as: Callable[..., FlaskClient]) -> None:
    first, second = owner_as(), owner_as()
    waits_longest, other = create_short(second), create_short(first)
    print_job.PRINT_QUEUE.turns.last = None
    print_all()
    assert printed() == [waits_longest, other]


@pytest.mark.parametrize(("lane", "index"), [("any", "turn"), ("short", "short_turn")])
def test_the_next_document_is_the_first_of_an_index(owner: FlaskClient, lane: str, index: str) -> None:
    """However many are due, nothing is sorted and no other row is read."""
    create_short(owner)
    conditions = (EinvoicePdf.is_short,) if lane == "short" else ()
    due = select(EinvoicePdf).where(EinvoicePdf.state == "pending", *conditions, EinvoicePdf.owner_id > 0)
    first = due.order_by(EinvoicePdf.owner_id, EinvoicePdf.due_at).limit(1).with_for_update(skip_locked=True)
    statement = first.compile(db.engine, compile_kwargs={"literal_binds": True})
    with db.engine.connect() as connection:  # what it changes is rolled back
        # The table has one row, which the planner finds by anything; without the index it would still sort.
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        connection.execute(text("SET LOCAL enable_sort = off"))
        if lane == "short":  # of one row, the planner takes either index
            connection.execute(text("DROP INDEX ix_e_invoice_pdfs_turn"))
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {statement}")))
    assert f"using ix_e_invoice_pdfs_{index} on" in plan
    assert "Sort" not in plan


def test_short_documents_are_printed_between_the_parts_of_a_long_one(owner_as: Callable[..., FlaskClient]) -> None:
    first, second = owner_as(), owner_as()
    long = [create_long(first) for _ in range(2)]
    short = [create_short(second), create_short(second), create_short(first)]
    print_all()
    order = printed()
    assert order[-1] == long[-1]
    assert order.index(long[0]) >= len(short)  # not before its second part


def test_a_long_einvoice_is_whole(owner: FlaskClient) -> None:
    einvoice_id = create_long(owner)
    print_all()
    reader = PdfReader(io.BytesIO(fetch_pdf(owner, einvoice_id).data))
    pages = [page.extract_text() for page in reader.pages]
    assert all(f" {number} / {len(pages)}" in page for number, page in enumerate(pages, 1))
    whole = " ".join(" ".join(pages).split())
    assert whole.count("Pamuklu tişört") == 70 * 12
    assert whole.count("Genel toplam") + whole.count("Grand total") == 1


def test_parts_have_all_items_once() -> None:
    items = [{"name": "x" * 500, "sku": str(number)} for number in range(200)]
    parts = context.split_into_parts({"items": items})
    assert [item for part in parts for item in part["items"]] == items
    assert [part["first_row"] for part in parts] == [1, 54, 107, 160]
    assert [(part["is_first"], part["is_last"]) for part in parts] == [
        (True, False),
        (False, False),
        (False, False),
        (False, True),
    ]
    assert len(context.split_into_parts({"items": []})) == 1
