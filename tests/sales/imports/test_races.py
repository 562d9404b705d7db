"""Parallel imports: one winner for each number, and no deadlock over customers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from psycopg.errors import ForeignKeyViolation
from werkzeug.test import TestResponse

from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.sales.imports import single
from app.sales.schemas.invoices import ImportSchema
from tests.factories import a_sale, a_user, an_item
from tests.sales.conftest import IMPORT, LIST, NOTHING, counts


class TestRaces:
    def test_fifty_imports_of_one_number_make_one(self, erp: FlaskClient) -> None:
        sale = a_sale()
        with ThreadPoolExecutor(25) as pool:
            answers = list(pool.map(lambda _: erp.post(IMPORT, json=sale), range(50)))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [201] + [409] * 49
        assert len({answer.json["data"]["id"] for answer in answers}) == 1
        assert {answer.json["data"].get("identical") for answer in answers} == {None, True}
        assert counts() == {"customers": 1, "salesmen": 1, "sales_invoices": 1, "sales_items": 2, "events": 1}

    @pytest.mark.parametrize("keyed", [False, True])
    @pytest.mark.parametrize("attempt", range(3))
    def test_who_loses_a_race_for_a_number_changes_no_customer(
        self, erp: FlaskClient, attempt: int, *, keyed: bool
    ) -> None:
        """Alone and within a transaction that is open already, as that of an ``Idempotency-Key``."""
        sales = [a_sale(invoice_no="A-1", customer={"code": "C-1", "name": f"Name {n}"}) for n in range(16)]

        def one(number: int) -> TestResponse:
            headers = {"Idempotency-Key": f"{attempt}-{number}"} if keyed else {}
            return erp.post(IMPORT, json=sales[number], headers=headers)

        with ThreadPoolExecutor(16) as pool:
            statuses = [answer.status_code for answer in pool.map(one, range(16))]
        assert sorted(statuses) == [201] + [409] * 15
        [stored] = erp.get(LIST).json["results"]
        assert stored["customer"]["name"] == f"Name {statuses.index(201)}"
        assert counts() == {"customers": 1, "salesmen": 1, "sales_invoices": 1, "sales_items": 2, "events": 1}

    def test_a_new_customer_and_salesman_are_made_once(self, erp: FlaskClient) -> None:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: erp.post(IMPORT, json=a_sale()), range(40)))
        assert {answer.status_code for answer in answers} == {201}
        assert counts() == {"customers": 1, "salesmen": 1, "sales_invoices": 40, "sales_items": 80, "events": 40}

    def test_imports_that_change_one_customer_in_turn_all_succeed(self, erp: FlaskClient) -> None:
        def one(number: int) -> int:
            customer = {"code": f"C-{number % 2}", "name": f"Name {number}"}
            sale = a_sale(customer=customer, salesman=f"S-{number % 3}")
            return erp.post(IMPORT, json=sale).status_code

        with ThreadPoolExecutor(20) as pool:
            assert set(pool.map(one, range(60))) == {201}
        assert (counts()["customers"], counts()["salesmen"]) == (2, 3)

    def test_two_that_would_be_stored_apart_are_refused(self, app: Hub) -> None:
        sales = [ImportSchema().load(a_sale(items=[an_item(mrp="3.5")])) for _ in range(2)]
        with pytest.raises(RuntimeError, match="begin a transaction"), unit_of_work():
            for sale in sales:
                single.import_invoice(sale, created_user_id=None)
        with pytest.raises(ZeroDivisionError), unit_of_work():
            db.session.connection()
            single.import_invoice(sales[1], created_user_id=None)
            raise ZeroDivisionError
        assert counts()["sales_invoices"] == 1

    def test_a_user_who_vanished_meanwhile_imports_nothing(self, app: Hub) -> None:
        with unit_of_work():
            user = a_user()
            db.session.delete(user)
        sale = ImportSchema().load(a_sale(items=[an_item(mrp="3.5")]))
        with pytest.raises(ForeignKeyViolation, match="fk_sales_invoices_created_user_id"), unit_of_work():
            single.import_invoice(sale, created_user_id=user.id)
        assert counts() == NOTHING
