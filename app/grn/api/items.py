"""``/api/invoices/{id}/fabric-items/{id}/…``: packing lists, rolls, ledgers and balances, with the path aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.blueprints import BlueprintSetupState
from flask.views import MethodView

from app.accounts.guards import requires
from app.accounts.idempotency import idempotent
from app.accounts.ownership import actor
from app.accounts.principals import authenticate
from app.grn import samples
from app.grn.errors import AssociationsAreReplaced, UnknownItem, UnknownReceipt, UnknownRoll, UnknownRow, UnreadableFile
from app.grn.ledgers import service as ledgers
from app.grn.models.receipts import FabricItem, LedgerRow, SupplierRoll
from app.grn.receipts import packing_list, roll_files
from app.grn.schemas.filters import LedgerQuery
from app.grn.schemas.ledgers import AssociatedSchema, AssociationSchema, EntrySchema, ItemBalanceSchema, LedgerSchema
from app.grn.schemas.pagination import Page, PageQuery, page_example, page_schema
from app.grn.schemas.receipts import (
    FabricItemSchema,
    InspectionSchema,
    PackingListSchema,
    RollFileQuery,
    RollSchema,
)
from app.kernel.errors import Busy, Invalid, PayloadTooLarge, UnsupportedMediaType
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.kernel.http.openapi import refuses
from app.kernel.messages import N_, Message
from app.kernel.unit_of_work import commit_early

PREFIX, ITEM = "/api/invoices", "/<int:invoice_id>/fabric-items/<int:fabric_item_id>"
blp = ApiBlueprint(
    "Fabric items",
    __name__,
    url_prefix=PREFIX,
    description="Packing lists, rolls and ledgers. Each path answers without `/api` and as `fabricItems` too.",
)


_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILE: dict[str, Any] = {"type": "string", "format": "binary", "description": "CSV (UTF-8) or XLSX."}
_ROLL_FILE: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["file"], "properties": {"file": _FILE}},
            "example": {"file": samples.ROLL_FILE},
        },
        "text/csv": {"schema": _FILE, "example": samples.ROLL_FILE},
        _SHEET: {"schema": _FILE},
    },
}


def _uploaded_file() -> bytes:
    """Return the file of the request: a form field ``file``, or the body itself."""
    if request.mimetype in {"text/csv", _SHEET}:
        return bytes(request.get_data())
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(
            Message(N_("Send the file as text/csv, as %(sheet)s, or as “file” of a multipart/form-data."), sheet=_SHEET)
        )
    if "file" not in request.files:
        raise Invalid({"file": [N_("This field is required.")]})
    return bytes(request.files["file"].read())


@blp.route(f"{ITEM}/rolls")
class Rolls(MethodView):
    @requires("grn:read")
    @refuses(UnknownItem)
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, page_schema(RollSchema), example=page_example(*samples.ROLLS))
    def get(self, query: dict[str, Any], invoice_id: int, fabric_item_id: int) -> Page:
        """List the rolls of a fabric item, in the order of its packing list."""
        return packing_list.find_rolls(invoice_id, fabric_item_id, query)

    @requires("grn:write")
    @allow_bulk_body
    @refuses(UnknownReceipt, UnknownItem)
    @blp.arguments(
        PackingListSchema,
        example={"supplierRollList": samples.PAYLOAD["fabricItemList"][0]["supplierRollList"]},
    )
    @blp.response(200, FabricItemSchema, example=samples.ITEM)
    def put(self, data: dict[str, Any], invoice_id: int, fabric_item_id: int) -> FabricItem:
        """Replace the packing list of a fabric item.

        A roll with the `id` or the `supplierRollNo` of a stored roll keeps its id and its inspection.
        """
        return packing_list.replace(invoice_id, fabric_item_id, data["rolls"], actor=actor())


@blp.route(f"{ITEM}/rolls/file")
class RollFile(MethodView):
    @requires("grn:write")
    @allow_bulk_body
    @refuses(UnknownReceipt, UnknownItem, UnreadableFile, PayloadTooLarge, UnsupportedMediaType, Busy)
    @blp.doc(requestBody=_ROLL_FILE)
    @blp.arguments(RollFileQuery, location="query")
    @blp.response(200, FabricItemSchema, example=samples.ITEM)
    def put(self, query: dict[str, Any], invoice_id: int, fabric_item_id: int) -> FabricItem:
        """Replace the packing list of a fabric item by a CSV or XLSX file, as a form field or as the body.

        The first row has the column names, as in JSON: `supplierRollNo`, `factoryRollNo`, `supplierLength` and so on,
        in any order and case. Errors name the row of the file: `row[5].supplierLength`.
        """
        content = _uploaded_file()
        commit_early()  # reading takes long; meanwhile it holds no connection
        rolls = roll_files.read_rolls(content, **query, owner=authenticate().user_id)
        return packing_list.replace(invoice_id, fabric_item_id, rolls, actor=actor())


@blp.route(f"{ITEM}/rolls/<int:roll_id>")
class Roll(MethodView):
    @requires("grn:write")
    @refuses(UnknownReceipt, UnknownRoll)
    @blp.arguments(InspectionSchema, example=samples.INSPECTION)
    @blp.response(200, RollSchema, example=samples.INSPECTED)
    def patch(self, data: dict[str, Any], invoice_id: int, fabric_item_id: int, roll_id: int) -> SupplierRoll:
        """Store the inspection of a roll; null removes a finding, and the supplier's value is valid again."""
        return packing_list.inspect(invoice_id, fabric_item_id, roll_id, data, actor=actor())


@blp.route(f"{ITEM}/ledgers")
class Ledgers(MethodView):
    @requires("grn:read")
    @refuses(UnknownItem)
    @blp.arguments(LedgerQuery, location="query")
    @blp.response(200, page_schema(LedgerSchema), example=page_example(samples.ENTERED))
    def get(self, query: dict[str, Any], invoice_id: int, fabric_item_id: int) -> Page:
        """List the ledger rows of a fabric item, oldest first."""
        return ledgers.find_rows(invoice_id, fabric_item_id, query)

    @requires("grn:write")
    @refuses(UnknownReceipt, UnknownItem)
    @blp.arguments(AssociationSchema(many=True), example=samples.ASSOCIATION)
    @blp.response(200, AssociatedSchema(many=True), example=samples.ASSOCIATED)
    def put(self, data: list[dict[str, Any]], invoice_id: int, fabric_item_id: int) -> list[LedgerRow]:
        """Replace the associations of a fabric item to styles.

        `flowInfoId` is the flow line of the order with this `productId`, `style` and `styleColor` (else `color`);
        `partId` is the part of that line with this `partName` (else `part`). A second identical request changes
        nothing. An empty list removes all associations. Rows of other kinds stay.
        """
        return ledgers.replace_associations(invoice_id, fabric_item_id, data, author=authenticate().name, actor=actor())

    @requires("grn:write")
    @refuses(UnknownReceipt, UnknownItem)
    @idempotent
    @blp.arguments(EntrySchema, example=samples.ENTRY)
    @blp.response(201, LedgerSchema, example=samples.ENTERED)
    def post(self, data: dict[str, Any], invoice_id: int, fabric_item_id: int) -> LedgerRow:
        """Add a ledger row of another kind: IN, or OUT as Sampling, Write-Off or Return-mill."""
        return ledgers.add_entry(invoice_id, fabric_item_id, data, author=authenticate().name, actor=actor())


@blp.route(f"{ITEM}/ledgers/<int:ledger_id>")
class Ledger(MethodView):
    @requires("grn:write")
    @refuses(UnknownReceipt, UnknownItem, UnknownRow, AssociationsAreReplaced)
    @blp.response(204)
    def delete(self, invoice_id: int, fabric_item_id: int, ledger_id: int) -> None:
        """Delete a ledger row that was added by mistake."""
        ledgers.delete_entry(invoice_id, fabric_item_id, ledger_id, actor=actor())


@blp.route(f"{ITEM}/balance")
class Balance(MethodView):
    @requires("grn:read")
    @refuses(UnknownItem)
    @blp.response(200, ItemBalanceSchema, example=samples.ITEM_BALANCE)
    def get(self, invoice_id: int, fabric_item_id: int) -> Mapping[str, Any]:
        """Read the balance of a fabric item: received minus out. It may be negative and is then flagged."""
        return ledgers.item_balance(invoice_id, fabric_item_id)


@blp.record_once
def _add_path_aliases(state: BlueprintSetupState) -> None:
    """Register the other spellings of each path: without ``/api``, and with ``fabricItems``, as in the GRN document."""
    rules = [rule for rule in state.app.url_map.iter_rules() if rule.endpoint.startswith(f"{blp.name}.")]
    for rule in rules:
        camel_case = rule.rule.replace("/fabric-items/", "/fabricItems/")
        for alias in (camel_case, rule.rule.removeprefix("/api"), camel_case.removeprefix("/api")):
            state.app.add_url_rule(alias, rule.endpoint, methods=rule.methods)
