"""``/api/suppliers``, ``/api/fabrics``, ``/api/products``, ``/api/orders``: master data of goods receipts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.views import MethodView

from app.accounts.guards import requires
from app.accounts.idempotency import idempotent
from app.accounts.ownership import actor
from app.grn import masters, samples
from app.grn.errors import DuplicateMaster, StillInUse, UnknownMaster
from app.grn.ledgers import service as ledgers
from app.grn.masters import Kind
from app.grn.schemas.filters import BalanceQuery, MasterQuery
from app.grn.schemas.ledgers import ColorBalanceSchema
from app.grn.schemas.masters import FabricSchema, MasterSchema, OrderSchema, ProductSchema, SupplierSchema
from app.grn.schemas.pagination import Page, page_example, page_schema
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.kernel.http.openapi import refuses
from app.kernel.http.openapi_headers import LOCATION


@dataclass(frozen=True, slots=True)
class _Resource:
    """One kind of master data in the API: its path, schema and sample."""

    kind: Kind
    plural: str
    schema: type[MasterSchema]
    sample: dict[str, Any]
    #: The sample with the ids that the hub chooses, where there are some.
    answer: dict[str, Any] | None = None

    @property
    def path(self) -> str:
        return f"/api/{self.plural}"

    @property
    def replaced(self) -> str:
        """What becomes of fields that a replacement leaves out."""
        if self.kind is masters.SUPPLIERS:
            return "Fields that you leave out are removed, but what legal documents need stays until you send `null`."
        return "Fields and children that you leave out are removed."

    @property
    def limit_body(self) -> Callable[..., Any]:
        """Decorator for the body limit: only kinds with children (orders, fabrics) accept a bulk body."""
        return allow_bulk_body if self.kind.children else lambda view: view

    @property
    def stored_sample(self) -> dict[str, Any]:
        return {**(self.answer or self.sample), **samples.CREATED}


def _build_blueprint(resource: _Resource, description: str) -> ApiBlueprint:
    """Build the five operations of one kind of master data."""
    blp = ApiBlueprint(resource.plural.capitalize(), __name__, url_prefix=resource.path, description=description)
    _add_list(blp, resource)
    _add_row(blp, resource)
    return blp


def _add_list(blp: ApiBlueprint, resource: _Resource) -> None:
    plural, schema = resource.plural, resource.schema

    @blp.route("")
    class Masters(MethodView):
        @requires("grn:read")
        @blp.doc(summary=f"List {plural}, newest first.")
        @blp.arguments(MasterQuery, location="query")
        @blp.response(200, page_schema(schema), example=page_example(resource.stored_sample))
        def get(self, query: dict[str, Any]) -> Page:
            return masters.find_page(resource.kind, query)

        @requires("grn:write")
        @resource.limit_body
        @refuses(DuplicateMaster)
        @idempotent
        @blp.doc(summary=f"Add to the {plural}.", description="You may choose the `id`.")
        @blp.arguments(schema, example=resource.sample)
        @blp.response(201, schema, example=resource.stored_sample, headers=LOCATION)
        def post(self, data: dict[str, Any]) -> tuple[Any, dict[str, str]]:
            row = masters.create(resource.kind, data, actor=actor())
            return row, {"Location": f"{resource.path}/{row.id}"}


def _add_row(blp: ApiBlueprint, resource: _Resource) -> None:
    plural, schema = resource.plural, resource.schema

    @blp.route("/<int:row_id>")
    class Master(MethodView):
        @requires("grn:read")
        @refuses(UnknownMaster)
        @blp.doc(summary=f"Read one of the {plural}.")
        @blp.response(200, schema, example=resource.stored_sample)
        def get(self, row_id: int) -> Any:
            return masters.find(resource.kind, row_id)

        @requires("grn:write")
        @resource.limit_body
        @refuses(UnknownMaster, DuplicateMaster, StillInUse)
        @blp.doc(summary=f"Replace one of the {plural}.", description=resource.replaced)
        @blp.arguments(schema, example=resource.sample)
        @blp.response(200, schema, example=resource.stored_sample)
        def put(self, data: dict[str, Any], row_id: int) -> Any:
            return masters.change(resource.kind, row_id, data, actor=actor())

        @requires("grn:write")
        @refuses(UnknownMaster, StillInUse)
        @blp.doc(summary=f"Delete one of the {plural}.", description="Refused while other rows refer to it.")
        @blp.response(204)
        def delete(self, row_id: int) -> None:
            masters.remove(resource.kind, row_id, actor=actor())


suppliers = _build_blueprint(
    _Resource(masters.SUPPLIERS, "suppliers", SupplierSchema, samples.SUPPLIER), "Mills and traders."
)
products = _build_blueprint(
    _Resource(masters.PRODUCTS, "products", ProductSchema, samples.PRODUCT), "Garments made to order."
)
fabrics = _build_blueprint(
    _Resource(masters.FABRICS, "fabrics", FabricSchema, samples.FABRIC, samples.STORED_FABRIC),
    "Fabrics and their balances.",
)
orders = _build_blueprint(
    _Resource(masters.ORDERS, "orders", OrderSchema, samples.ORDER), "Orders with flow lines and parts."
)


@fabrics.route("/<int:row_id>/balances")
class Balances(MethodView):
    @requires("grn:read")
    @refuses(UnknownMaster)
    @fabrics.arguments(BalanceQuery, location="query")
    @fabrics.response(200, page_schema(ColorBalanceSchema), example=page_example(samples.COLOR_BALANCE))
    def get(self, query: dict[str, Any], row_id: int) -> Page:
        """List the balances of a fabric over all receipts, by colour and unit. A negative balance is flagged."""
        return ledgers.fabric_balances(row_id, query)


BLUEPRINTS = (suppliers, fabrics, products, orders)
