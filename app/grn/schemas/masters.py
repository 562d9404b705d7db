"""Payloads of master data; a client may send the ``id`` that its own documents know a row by."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validates_schema
from marshmallow.exceptions import ValidationError

from app.grn.schemas.fields import Compact, Moment, PutBack, optional_quantity, reference, required_words, words
from app.kernel.messages import N_, Message
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Metadata

MOST_COLORS, MOST_LINES, MOST_PARTS = 1000, 1000, 100


def _refuse_twins(rows: list[dict[str, Any]], names: tuple[str, ...], data_keys: tuple[str, ...]) -> None:
    seen: set[tuple[Any, ...]] = set()
    for number, row in enumerate(rows):
        key = tuple(row.get(name) for name in names)
        if key in seen:
            raise ValidationError(
                {
                    number: {
                        data_keys[-1]: [
                            Message(N_("The same %(data_keys)s came before."), data_keys=", ".join(data_keys))
                        ]
                    }
                }
            )
        seen.add(key)


class MasterSchema(PutBack, Compact):
    """What every kind of master data carries; `externalId` is unique within its kind."""

    derived = frozenset({"createdDate"})

    id = reference(metadata={"description": "Yours, or left out and given by the hub."})
    external_id = words(data_key="externalId", blank=False)
    code = words()
    name = required_words(200)
    extra = Metadata(data_key="metadata", allow_none=True)
    created_at = Moment(data_key="createdDate")


class SupplierSchema(MasterSchema):
    """A mill or trader that fabric is bought from."""

    email = words(254)
    phone = words(50)
    address = words(500)


class ProductSchema(MasterSchema):
    """A garment that is made to order."""


class FabricColorSchema(PutBack, Compact):
    """A colour that a fabric comes in."""

    derived = frozenset({"id"})

    id = reference(dump_only=True)
    color = required_words()
    color_code = words(data_key="colorCode")
    color_shade = words(data_key="colorShade")


class FabricSchema(MasterSchema):
    """A fabric with its colours."""

    composition = words(300)
    gsm = optional_quantity()
    colors: Any = fields.List(
        fields.Nested(FabricColorSchema),
        data_key="colorList",
        load_default=list,
        validate=validators.Length(max=MOST_COLORS, error=N_("Send at most %(max)s colours.")),
    )

    @validates_schema
    def _each_colour_once(self, data: dict[str, Any], **_kwargs: Any) -> None:
        try:
            _refuse_twins(data["colors"], ("color", "color_shade"), ("color", "colorShade"))
        except ValidationError as error:
            raise ValidationError({"colorList": error.messages}) from error


class FlowPartSchema(Compact):
    """A part of a style that fabric is cut for."""

    id = reference(metadata={"description": "Yours, or the hub's; on PUT it tells the part, else `partName` does."})
    part_name = required_words(data_key="partName")


class FlowInfoSchema(Compact):
    """A flow line: one style of a product in one colour."""

    id = reference(
        metadata={"description": "Yours, or the hub's; on PUT it, or product, style and colour, tell the line."}
    )
    product_id = reference(data_key="productId", required=True)
    style = required_words()
    color = required_words()
    order_qty = optional_quantity(data_key="orderQty")
    parts: Any = fields.List(
        fields.Nested(FlowPartSchema),
        data_key="partList",
        load_default=list,
        validate=validators.Length(max=MOST_PARTS, error=N_("Send at most %(max)s parts.")),
    )

    @validates_schema
    def _each_part_once(self, data: dict[str, Any], **_kwargs: Any) -> None:
        try:
            _refuse_twins(data["parts"], ("part_name",), ("partName",))
        except ValidationError as error:
            raise ValidationError({"partList": error.messages}) from error


class OrderSchema(MasterSchema):
    """A buyer's order with its flow lines."""

    buyer = words(200)
    flow_infos: Any = fields.List(
        fields.Nested(FlowInfoSchema),
        data_key="flowInfoList",
        load_default=list,
        validate=validators.Length(max=MOST_LINES, error=N_("Send at most %(max)s flow lines.")),
    )

    @validates_schema
    def _each_line_once(self, data: dict[str, Any], **_kwargs: Any) -> None:
        try:
            _refuse_twins(data["flow_infos"], ("product_id", "style", "color"), ("productId", "style", "color"))
        except ValidationError as error:
            raise ValidationError({"flowInfoList": error.messages}) from error
