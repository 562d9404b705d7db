"""Random steps by many workers in parallel: whatever they do, the floor stays in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.extensions import db
from app.sales.floor.steps import STEPS
from app.sales.state_machine import HANDLED_IN, RESUMED_STATUS
from tests.sales.helpers import Person, a_person, imported

WORKERS, INVOICES = 4, 3

#: A step by a worker with an invoice: endpoint, further fields.
MOVES: list[tuple[str, dict[str, Any]]] = [
    ("picking/start", {}),
    ("picking/complete", {}),
    ("packing/start", {}),
    ("packing/complete", {}),
    ("boxing/complete", {"label_count": 1}),
    ("delivery/start", {"delivery_type": "DIRECT"}),
    ("delivery/start", {"delivery_type": "INTERNAL"}),
    ("delivery/complete", {"proof_note": "Signed"}),
    ("session/cancel", {}),
    ("hold", {"reason": "wait"}),
    ("release", {}),
    ("billing/return", {"return_reason": "wrong"}),
    ("correct", {}),
]
EXPECTED = {200, 400, 403, 409}
#: The move that fits, by state: chance alone seldom gets an invoice through a review or to its customer.
ONWARD: dict[str, tuple[str, dict[str, Any]]] = {
    "INVOICED": ("picking/start", {}),
    "PICKING": ("picking/complete", {}),
    "PICKED": ("packing/start", {}),
    "PACKING": ("packing/complete", {}),
    "BOXING": ("boxing/complete", {"label_count": 1}),
    "PACKED": ("delivery/start", {"delivery_type": "INTERNAL"}),
    "DISPATCHED": ("delivery/complete", {}),
    "REVIEW": ("correct", {}),
    "DELIVERED": ("delivery/complete", {}),
}

moves = st.lists(
    st.tuples(
        st.integers(0, WORKERS - 1),
        st.integers(0, INVOICES - 1),
        st.one_of(st.just(("onward", {})), st.sampled_from(MOVES)),
    ),
    min_size=40,
    max_size=70,
)
bulk_rounds = st.lists(st.sets(st.integers(0, INVOICES - 1), min_size=1), max_size=3)


class Floor:
    """Some workers, some invoices, and moves that are made at the same time."""

    def __init__(self, erp: FlaskClient, people: list[Person]) -> None:
        self.erp, self.people = erp, people
        self.numbers = [imported(erp) for _ in range(INVOICES)]

    def move(self, move: tuple[int, int, tuple[str, dict[str, Any]]]) -> int:
        who, which, (path, more) = move
        person, number = self.people[who], self.numbers[which]
        if path == "onward":
            person = self.people[which % WORKERS]
            path, more = ONWARD[person.sees(number)["status"]]
        if path == "correct":
            item = {"item_code": "MED-X", "barcode": "MED-X", "name": "x", "quantity": which + 1, "mrp": "1.25"}
            return self.erp.patch(
                "/api/sales/update/invoice/", json={"invoice_no": number, "items": [item]}
            ).status_code
        if more.get("delivery_type") == "INTERNAL":
            more = {**more, "driver_id": person.id}
        return person.takes(path, number, **more).status_code

    def bulk(self, chosen: tuple[int, set[int]]) -> int:
        who, which = chosen
        orders = [{"invoice_no": self.numbers[place]} for place in sorted(which)]
        person = self.people[who % WORKERS]
        codes = [
            person.client.post(f"/api/sales/picking/bulk-{verb}/", json={"invoices": orders}).status_code
            for verb in ("start", "complete")
        ]
        return max(codes)


def rows(query: str) -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(text(query)))


def check_the_floor() -> None:
    """Everything that must hold, whatever happened."""
    twice = rows(
        "SELECT worker_id, section FROM sales_sessions WHERE ended_at IS NULL GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert not twice
    orphans = rows(
        "SELECT s.id FROM sales_sessions s WHERE (s.ended_at IS NULL) <> EXISTS "
        "(SELECT FROM sales_assignments a WHERE a.session_id = s.id AND a.ended_at IS NULL)"
    )
    assert not orphans
    for row in rows(
        "SELECT i.id, i.status, i.billing_status, i.held_at, i.total_amount, a.id AS held, s.section,"
        " (SELECT sum(line_total) FROM sales_items WHERE invoice_id = i.id) AS sum,"
        " (SELECT sum(quantity * mrp) FROM sales_items WHERE invoice_id = i.id) AS exact"
        " FROM sales_invoices i LEFT JOIN sales_assignments a ON a.invoice_id = i.id AND a.ended_at IS NULL"
        " LEFT JOIN sales_sessions s ON s.id = a.session_id"
    ):
        assert row.total_amount == row.sum == Decimal(row.exact).quantize(Decimal("0.01"))
        assert (row.status == "REVIEW") == (row.billing_status == "REVIEW")
        if row.held:
            assert HANDLED_IN[row.status] == row.section
            assert row.held_at is None
        explain(row)


def explain(invoice: Any) -> None:
    """The history is an unbroken chain of legal moves from the import to the present state."""
    state, held, section = "INVOICED", False, None
    query = "SELECT step, from_status, to_status, details FROM sales_history"
    for entry in rows(f"{query} WHERE invoice_id = {invoice.id} ORDER BY id"):
        assert entry.from_status == state
        step = STEPS[entry.step]
        if step.name == "billing.correct":
            assert (state, entry.to_status) == ("REVIEW", RESUMED_STATUS[section or ""])
        else:
            resumed = state in step.resumes and entry.to_status == state
            assert resumed or step.moves[state] == entry.to_status
        if step.name == "billing.return":
            section = entry.details["section"]
        assert not held or step.while_held
        held = step.name == "hold" or (held and not step.while_held)
        state = entry.to_status
    assert state == invoice.status
    assert held == (invoice.held_at is not None)


TAKEN: set[str] = set()


# What goes wrong between threads is not made smaller by trying again, only later known.
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves=moves, rounds=bulk_rounds)
def make_random_moves(
    erp: FlaskClient,
    client_as: Callable[..., FlaskClient],
    moves: list[tuple[int, int, tuple[str, dict[str, Any]]]],
    rounds: list[set[int]],
) -> None:
    people = [a_person(client_as, "billing" if n == 0 else "warehouse") for n in range(WORKERS)]
    floor = Floor(erp, people)
    with ThreadPoolExecutor(8) as pool:
        bulks = [pool.submit(floor.bulk, chosen) for chosen in enumerate(rounds)]
        codes = list(pool.map(floor.move, moves)) + [bulk.result() for bulk in bulks]
    assert set(codes) <= EXPECTED, json.dumps(codes)
    check_the_floor()
    TAKEN.update(row.step for row in rows("SELECT DISTINCT step FROM sales_history"))


@pytest.mark.drill
def test_the_floor_stays_in_order(erp: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
    TAKEN.clear()
    make_random_moves(erp=erp, client_as=client_as)
    assert {"billing.return", "billing.correct", "boxing.complete", "hold"} <= TAKEN
