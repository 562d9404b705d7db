"""``/api/suppliers``, ``/api/fabrics``, ``/api/products``, ``/api/orders``: master data of goods receipts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.views import MethodView

from app.accounts.guards import requires
from app.accounts.idempotency import idempotent
from app.accounts.principals import authenticate
from app.grn import masters, samples
from app.grn.errors import DuplicateMaster, StillInUse, UnknownMaster
from app.grn.ledgers import service as ledgers
from app.grn.masters import Kind
from app.grn.schemas.filters import BalanceQuery, MasterQuery
from app.grn.schemas.ledgers import ColorBalanceSchema
from app.grn.schemas.masters import FabricSchema, MasterSchema, OrderSchema, ProductSchema, SupplierSchema
from app.grn.schemas.pagination import Page, page_example, page_schema
from app.kernel.http.app import ApiBlueprint, allow_bulk_body
from app.kernel.http.openapi import refuses


@dataclass(frozen=True, slots=True)
class _Shown:
    """How one kind of master data is shown to the world."""

    kind: Kind
    plural: str
    schema: type[MasterSchema]
    sample: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/api/{self.plural}"

    @property
    def bounded(self) -> Callable[..., Any]:
        """What bounds a body: only orders and fabrics, with all that lives inside them, may be long."""
        return allow_bulk_body if self.kind.children else lambda view: view

    @property
    def stored(self) -> dict[str, Any]:
        return {**self.sample, **samples.CREATED}


def _surface(shown: _Shown, about: str) -> ApiBlueprint:
    """The five operations that each kind of master data has."""
    blp = ApiBlueprint(shown.plural.capitalize(), __name__, url_prefix=shown.path, description=about)
    _add_list(blp, shown)
    _add_row(blp, shown)
    return blp


def _add_list(blp: ApiBlueprint, shown: _Shown) -> None:
    plural, schema = shown.plural, shown.schema

    @blp.route("")
    class Masters(MethodView):
        @requires("grn:read")
        @blp.doc(summary=f"List {plural}, newest first.")
        @blp.arguments(MasterQuery, location="query")
        @blp.response(200, page_schema(schema), example=page_example(shown.stored))
        def get(self, query: dict[str, Any]) -> Page:
            return masters.find_page(shown.kind, query)

        @requires("grn:write")
        @shown.bounded
        @refuses(DuplicateMaster)
        @idempotent
        @blp.doc(summary=f"Add to the {plural}.", description="You may choose the `id`.")
        @blp.arguments(schema, example=shown.sample)
        @blp.response(201, schema, example=shown.stored)
        def post(self, data: dict[str, Any]) -> tuple[Any, dict[str, str]]:
            row = masters.create(shown.kind, data)
            return row, {"Location": f"{shown.path}/{row.id}"}


def _add_row(blp: ApiBlueprint, shown: _Shown) -> None:
    plural, schema = shown.plural, shown.schema

    @blp.route("/<int:row_id>")
    class Master(MethodView):
        @requires("grn:read")
        @refuses(UnknownMaster)
        @blp.doc(summary=f"Read one of the {plural}.")
        @blp.response(200, schema, example=shown.stored)
        def get(self, row_id: int) -> Any:
            return masters.find(shown.kind, row_id)

        @requires("grn:write")
        @shown.bounded
        @refuses(UnknownMaster, DuplicateMaster, StillInUse)
        @blp.doc(summary=f"Replace one of the {plural}.", description="What is left out is taken away.")
        @blp.arguments(schema, example=shown.sample)
        @blp.response(200, schema, example=shown.stored)
        def put(self, data: dict[str, Any], row_id: int) -> Any:
            return masters.change(shown.kind, row_id, data)

        @requires("grn:write")
        @refuses(UnknownMaster, StillInUse)
        @blp.doc(summary=f"Delete one of the {plural}.", description="Refused while something refers to it.")
        @blp.response(204)
        def delete(self, row_id: int) -> None:
            masters.remove(shown.kind, row_id, actor=authenticate().credential)


suppliers = _surface(_Shown(masters.SUPPLIERS, "suppliers", SupplierSchema, samples.SUPPLIER), "Mills and traders.")
products = _surface(_Shown(masters.PRODUCTS, "products", ProductSchema, samples.PRODUCT), "Garments made to order.")
fabrics = _surface(_Shown(masters.FABRICS, "fabrics", FabricSchema, samples.FABRIC), "Fabrics and their balances.")
orders = _surface(_Shown(masters.ORDERS, "orders", OrderSchema, samples.ORDER), "Orders with flow lines and parts.")


@fabrics.route("/<int:row_id>/balances")
class Balances(MethodView):
    @requires("grn:read")
    @refuses(UnknownMaster)
    @fabrics.arguments(BalanceQuery, location="query")
    @fabrics.response(200, page_schema(ColorBalanceSchema), example=page_example(samples.COLOR_BALANCE))
    def get(self, query: dict[str, Any], row_id: int) -> Page:
        """What is left of a fabric over all receipts, by colour and unit; below zero is allowed and flagged."""
        return ledgers.balances_of_fabric(row_id, query)


BLUEPRINTS = (suppliers, fabrics, products, orders)
