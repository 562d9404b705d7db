"""``/api/sales``: customers, salesmen, couriers, and the gaps in the series of numbers."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.accounts.guards import requires
from app.accounts.idempotency import idempotent
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
from app.kernel.pagination.keyset import Page, keyset_page_schema
from app.sales import errors, masters, samples
from app.sales.access import actor
from app.sales.models.masters import Courier, Customer, Salesman
from app.sales.queries import gaps
from app.sales.schemas.gaps import GapQuery, GapReportSchema
from app.sales.schemas.invoices import SalesmanSchema
from app.sales.schemas.masters import (
    CourierAnswerSchema,
    CourierEditSchema,
    CourierSchema,
    CustomerAnswerSchema,
    CustomerEditSchema,
    CustomerMasterSchema,
    MasterQuery,
    SalesmanAnswerSchema,
    SalesmanEditSchema,
)

blp = ApiBlueprint(
    "Sales masters", __name__, url_prefix="/api/sales", description="Customers, salesmen, couriers, series."
)

_STAMPS = {"created_at": "2025-01-18T09:30:00.000000Z"}
_FACTS = {
    "tax_id": "1234567890",
    "tax_scheme": "vkn",
    "tax_office": "Kadıköy",
    "district": "Kadıköy",
    "city": "İstanbul",
    "region": "",
    "country": "TR",
    "endpoint": "urn:mail:defaultpk@lifecare.example",
    "endpoint_scheme": "9952",
}
_CUSTOMER = {**samples.INVOICE["customer"], **_FACTS, **_STAMPS, "updated_at": "2025-01-18T09:30:00.000000Z"}
_SALESMAN = {"id": 3, "name": "Ajay"}
_COURIER = {
    "code": "DTDC",
    "name": "DTDC Express",
    "tracking_url": "https://courier.example/track/{tracking_no}",
    "phone": "1860 000 000",
}
_COURIER_SHOWN = {"id": 2, **_COURIER, "is_active": True, **_STAMPS}


def _answer(message: str, data: Any) -> dict[str, Any]:
    return {"success": True, "message": message, "data": data}


def _page(row: dict[str, Any]) -> dict[str, Any]:
    return {"count": None, "count_exact": True, "next": None, "previous": None, "results": [row]}


@blp.route("/customers/")
class Customers(MethodView):
    @requires("sales:read")
    @blp.arguments(MasterQuery, location="query")
    @blp.response(200, keyset_page_schema(CustomerMasterSchema), example=_page(_CUSTOMER))
    def get(self, query: dict[str, Any]) -> Page:
        """List customers by name."""
        return masters.find_customers(query)


@blp.route("/customers/<int:customer_id>/")
class OneCustomer(MethodView):
    @requires("sales:read")
    @refuses(errors.UnknownCustomer)
    @blp.response(200, CustomerMasterSchema, example=_CUSTOMER)
    def get(self, customer_id: int) -> Customer:
        """Read a customer."""
        return masters.find_customer(customer_id)

    @requires("sales:import")
    @refuses(errors.UnknownCustomer)
    @blp.arguments(CustomerEditSchema, example={"phone1": "9876500000", "tax_id": "1234567890", "tax_scheme": "vkn"})
    @blp.response(200, CustomerAnswerSchema, example=_answer("Customer updated", _CUSTOMER))
    def patch(self, data: dict[str, Any], customer_id: int) -> dict[str, Any]:
        """Edit a customer; only fields that are sent change."""
        return _answer("Customer updated", masters.edit_customer(customer_id, data, actor()))


@blp.route("/salesmen/")
class Salesmen(MethodView):
    @requires("sales:read")
    @blp.arguments(MasterQuery, location="query")
    @blp.response(200, keyset_page_schema(SalesmanSchema), example=_page(_SALESMAN))
    def get(self, query: dict[str, Any]) -> Page:
        """List salesmen by name."""
        return masters.find_salesmen(query)


@blp.route("/salesmen/<int:salesman_id>/")
class OneSalesman(MethodView):
    @requires("sales:read")
    @refuses(errors.UnknownSalesman)
    @blp.response(200, SalesmanSchema, example=_SALESMAN)
    def get(self, salesman_id: int) -> Salesman:
        """Read a salesman."""
        return masters.find_salesman(salesman_id)

    @requires("sales:import")
    @refuses(errors.UnknownSalesman, errors.DuplicateSalesman)
    @blp.arguments(SalesmanEditSchema, example={"name": "Ajay K"})
    @blp.response(200, SalesmanAnswerSchema, example=_answer("Salesman updated", _SALESMAN))
    def patch(self, data: dict[str, Any], salesman_id: int) -> dict[str, Any]:
        """Rename a salesman."""
        return _answer("Salesman updated", masters.edit_salesman(salesman_id, data, actor()))


@blp.route("/couriers/")
class Couriers(MethodView):
    @requires("sales:read")
    @blp.arguments(MasterQuery, location="query")
    @blp.response(200, keyset_page_schema(CourierSchema), example=_page(_COURIER_SHOWN))
    def get(self, query: dict[str, Any]) -> Page:
        """List couriers by name."""
        return masters.find_couriers(query)

    @requires("sales:write")
    @refuses(errors.DuplicateCourier)
    @idempotent
    @blp.arguments(CourierSchema, example=_COURIER)
    @blp.response(201, CourierAnswerSchema, example=_answer("Courier added", _COURIER_SHOWN))
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Add a courier."""
        return _answer("Courier added", masters.add_courier(data, actor()))


@blp.route("/couriers/<int:courier_id>/")
class OneCourier(MethodView):
    @requires("sales:read")
    @refuses(errors.UnknownCourier)
    @blp.response(200, CourierSchema, example=_COURIER_SHOWN)
    def get(self, courier_id: int) -> Courier:
        """Read a courier."""
        return masters.find_courier(courier_id)

    @requires("sales:write")
    @refuses(errors.UnknownCourier)
    @blp.arguments(CourierEditSchema, example={"is_active": False})
    @blp.response(200, CourierAnswerSchema, example=_answer("Courier updated", _COURIER_SHOWN))
    def patch(self, data: dict[str, Any], courier_id: int) -> dict[str, Any]:
        """Edit a courier; an inactive one takes no new parcels."""
        return _answer("Courier updated", masters.edit_courier(courier_id, data, actor()))


@blp.route("/gaps/")
class Gaps(MethodView):
    @requires("sales:read")
    @blp.arguments(GapQuery, location="query")
    @blp.response(
        200,
        GapReportSchema,
        example={
            "prefix": "LTPI-",
            "first": 77280,
            "last": 77290,
            "present": 9,
            "missing": 2,
            "gaps": [{"first": 77283, "last": 77284, "count": 2}],
            "next_first": None,
        },
    )
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Find the numbers that are missing in a series.

        A series is the text before the digits at the end: `LTPI-` of `LTPI-77282`. A report covers up to 100,000
        numbers from `first` on and says where the next report begins.
        """
        return gaps.report(query["prefix"], first=query.get("first"), last=query.get("last"))
