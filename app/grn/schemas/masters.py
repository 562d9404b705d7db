"""Schemas of master data; a client may choose the ``id`` of a row."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validates_schema
from marshmallow.exceptions import ValidationError

from app.formats.countries import TIMEZONES
from app.formats.tax_numbers import TaxScheme
from app.grn.schemas.fields import (
    EpochTimestamp,
    IgnoreDerived,
    OmitNulls,
    identifier,
    optional_quantity,
    reference,
    required_identifier,
    required_text,
    text,
)
from app.kernel.messages import N_, Message
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Choice, Metadata
from app.kernel.schemas.list_field import List

MAX_COLORS, MAX_LINES, MAX_PARTS = 1000, 1000, 100


def _refuse_duplicates(rows: list[dict[str, Any]], names: tuple[str, ...], data_keys: tuple[str, ...]) -> None:
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


class MasterSchema(IgnoreDerived, OmitNulls):
    """Common fields of master data; `externalId` is unique within its kind."""

    never_null = frozenset({"id", "created_at"})
    derived = frozenset({"createdDate"})

    id = reference(metadata={"description": "Chosen by you; if it is missing, the hub chooses it."})
    external_id = identifier(data_key="externalId", blank=False)
    code = identifier()
    name = required_text(200)
    extra = Metadata(data_key="metadata", allow_none=True)
    created_at = EpochTimestamp(data_key="createdDate")


class SupplierSchema(MasterSchema):
    """A mill or trader that fabric is bought from."""

    email = text(254)
    phone = text(50)
    address = text(500, metadata={"description": "As it is printed on goods receipt notes."})
    tax_id = identifier(50, data_key="taxId")
    tax_scheme = Choice(
        "",
        *TaxScheme,
        data_key="taxScheme",
        allow_none=True,
        metadata={"description": "What `taxId` is; its check digits are checked."},
    )
    tax_office = text(100, data_key="taxOffice")
    street = text(300)
    district = text(100)
    city = text(100)
    region = text(100, metadata={"description": "State or province; in India its code of two digits."})
    postcode = text(20)
    country = Choice("", *sorted(TIMEZONES), allow_none=True, metadata={"description": "ISO 3166-1, two letters."})
    endpoint = identifier(100, metadata={"description": "Electronic address, as of Peppol, or alias of e-Fatura."})
    endpoint_scheme = identifier(
        10, data_key="endpointScheme", metadata={"description": "Of the list EAS: `0088` GLN, `9952` VKN of Türkiye."}
    )


class ProductSchema(MasterSchema):
    """A garment that is made to order."""


class FabricColorSchema(IgnoreDerived, OmitNulls):
    """A colour of a fabric."""

    never_null = frozenset({"id"})
    derived = frozenset({"id"})

    id = reference(dump_only=True)
    color = required_identifier()
    color_code = identifier(data_key="colorCode")
    color_shade = identifier(data_key="colorShade")


class FabricSchema(MasterSchema):
    """A fabric with its colours."""

    never_null = MasterSchema.never_null | {"colors"}

    composition = text(300)
    gsm = optional_quantity()
    colors: Any = List(
        fields.Nested(FabricColorSchema),
        data_key="colorList",
        load_default=list,
        validate=validators.Length(max=MAX_COLORS, error=N_("Send at most %(max)s colours.")),
    )

    @validates_schema
    def _check_colors(self, data: dict[str, Any], **_kwargs: Any) -> None:
        try:
            _refuse_duplicates(data["colors"], ("color", "color_shade"), ("color", "colorShade"))
        except ValidationError as error:
            raise ValidationError({"colorList": error.messages}) from error


class FlowPartSchema(OmitNulls):
    """A part of a style that fabric is cut for."""

    never_null = frozenset({"id"})

    id = reference(
        metadata={"description": "Chosen by you or by the hub; PUT matches a part by `id`, else by `partName`."}
    )
    part_name = required_identifier(data_key="partName")


class FlowInfoSchema(OmitNulls):
    """A flow line: one style of a product in one colour."""

    never_null = frozenset({"id", "parts"})

    id = reference(
        metadata={
            "description": "Chosen by you or by the hub; PUT matches a line by `id`, else by product, style and colour."
        }
    )
    product_id = reference(data_key="productId", required=True)
    style = required_identifier()
    color = required_identifier()
    order_qty = optional_quantity(data_key="orderQty")
    parts: Any = List(
        fields.Nested(FlowPartSchema),
        data_key="partList",
        load_default=list,
        validate=validators.Length(max=MAX_PARTS, error=N_("Send at most %(max)s parts.")),
    )

    @validates_schema
    def _check_parts(self, data: dict[str, Any], **_kwargs: Any) -> None:
        try:
            _refuse_duplicates(data["parts"], ("part_name",), ("partName",))
        except ValidationError as error:
            raise ValidationError({"partList": error.messages}) from error


class OrderSchema(MasterSchema):
    """A buyer's order with its flow lines."""

    never_null = MasterSchema.never_null | {"flow_infos"}

    buyer = text(200)
    flow_infos: Any = List(
        fields.Nested(FlowInfoSchema),
        data_key="flowInfoList",
        load_default=list,
        validate=validators.Length(max=MAX_LINES, error=N_("Send at most %(max)s flow lines.")),
    )

    @validates_schema
    def _check_lines(self, data: dict[str, Any], **_kwargs: Any) -> None:
        try:
            _refuse_duplicates(data["flow_infos"], ("product_id", "style", "color"), ("productId", "style", "color"))
        except ValidationError as error:
            raise ValidationError({"flowInfoList": error.messages}) from error
