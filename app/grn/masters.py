"""Master data: suppliers, fabrics, products and orders, made, found, changed and deleted in one way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from app.accounts import audit
from app.extensions import db
from app.grn.errors import BadFields, DuplicateMaster, Fault, StillInUse, UnknownMaster
from app.grn.models.masters import Fabric, FabricColor, FlowInfo, FlowPart, Product, ProductionOrder, Supplier
from app.grn.models.receipts import FabricItem, GoodsReceipt
from app.grn.papers import service as papers
from app.grn.receipts import bulk_upsert
from app.grn.receipts.item_builder import Data
from app.grn.receipts.search import begins
from app.grn.schemas.pagination import Page, ordered, page_of
from app.kernel.messages import N_, Message


@dataclass(frozen=True, slots=True)
class Child:
    """Rows that live inside another: on a change told by ``id``, else by the columns of ``key``."""

    attribute: str
    data_key: str
    model: Any
    columns: tuple[str, ...]
    key: tuple[str, ...]
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of master data."""

    word: str
    model: Any
    columns: tuple[str, ...]
    children: tuple[Child, ...] = ()
    options: tuple[Any, ...] = ()
    #: What the papers of a receipt show of it, and where a receipt or its items refer to it.
    printed: tuple[str, ...] = ()
    referring: Any = None


_COMMON = ("external_id", "code", "name", "extra")
_PARTS = Child("parts", "partList", FlowPart, ("part_name",), ("part_name",))
_LINES = Child(
    "flow_infos",
    "flowInfoList",
    FlowInfo,
    ("product_id", "style", "color", "order_qty"),
    ("product_id", "style", "color"),
    (_PARTS,),
)
_COLORS = Child("colors", "colorList", FabricColor, ("color", "color_code", "color_shade"), ("color", "color_shade"))

SUPPLIERS = Kind(
    "supplier",
    Supplier,
    (*_COMMON, "email", "phone", "address"),
    printed=("name", "code", "address", "email", "phone"),
    referring=GoodsReceipt.supplier_id,
)
PRODUCTS = Kind("product", Product, _COMMON)
FABRICS = Kind(
    "fabric",
    Fabric,
    (*_COMMON, "composition", "gsm"),
    (_COLORS,),
    (selectinload(Fabric.colors),),
    printed=("name", "code", "composition"),
    referring=FabricItem.fabric_id,
)
ORDERS = Kind(
    "order",
    ProductionOrder,
    (*_COMMON, "buyer"),
    (_LINES,),
    (selectinload(ProductionOrder.flow_infos).selectinload(FlowInfo.parts),),
    printed=("name", "code"),
    referring=FabricItem.order_id,
)


def create(kind: Kind, data: Data) -> Any:
    """Make a row, with the client's own ``id`` if it sent one.

    Raises:
        DuplicateMaster: the id or ``external_id`` is taken.
        BadFields: a flow line names an unknown product.
    """
    _refuse_duplicate(kind, data)
    if data.get("id"):
        bulk_upsert.reserve_id(kind.model, data["id"])
    _require_products(data)
    row = kind.model(id=data.get("id"))
    _fill(row, data, kind.columns, kind.children)
    db.session.add(row)
    db.session.flush()
    return row


def find(kind: Kind, row_id: int) -> Any:
    """A row with what lives inside it.

    Raises:
        UnknownMaster: there is none.
    """
    return _one(_query(kind, row_id))


def names_of(kind: Kind, ids: Iterable[int]) -> dict[int, str]:
    """What rows are called, by id."""
    rows = db.session.execute(select(kind.model.id, kind.model.name).where(kind.model.id.in_(set(ids))))
    return {row.id: row.name for row in rows}


def _query(kind: Kind, row_id: int) -> Select[Any]:
    query = select(kind.model).where(kind.model.id == row_id).options(*kind.options)
    return query.execution_options(populate_existing=True)


def _one(query: Select[Any]) -> Any:
    row = db.session.scalar(query)
    if row is None:
        raise UnknownMaster
    return row


def find_page(kind: Kind, asked: Mapping[str, Any]) -> Page:
    """One page of rows, with what lives inside them."""
    model = kind.model
    order = ordered(asked["sort"], {"id": model.id, "name": model.name, "code": model.code})
    return page_of(_filtered(model, asked), asked, order, options=kind.options)


def change(kind: Kind, row_id: int, data: Data) -> Any:
    """Make a row what ``data`` says; what lives inside and is carried on keeps its id.

    Raises:
        UnknownMaster: there is none.
        DuplicateMaster: the ``external_id`` is taken.
        StillInUse: something that was left out is referred to.
        BadFields: a flow line names an unknown product, or the id is another one.
    """
    # Only as much of a lock as a change needs: receipts that refer to it are booked in beside it.
    row = _one(_query(kind, row_id).with_for_update(of=kind.model, key_share=True))
    if data.get("id", row_id) != row_id:
        raise BadFields([(("id",), data["id"], Message(N_("It is %(row_id)s, and stays so."), row_id=row_id))])
    _refuse_duplicate(kind, data, apart_from=row_id)
    _require_products(data)
    before = _printed(kind, row)
    with db.session.no_autoflush:
        _fill(row, data, kind.columns, kind.children)
    _flush()
    if _printed(kind, row) != before:
        papers.outdate(kind.referring == row_id)
    return row


def _printed(kind: Kind, row: Any) -> list[Any]:
    return [getattr(row, name) for name in kind.printed]


def remove(kind: Kind, row_id: int, *, actor: str) -> None:
    """Delete a row that nothing refers to; an audit row stays.

    Raises:
        UnknownMaster: there is none.
        StillInUse: something refers to it.
    """
    row = _one(_query(kind, row_id).with_for_update(of=kind.model))
    audit.record(
        f"{kind.word}.deleted", actor=actor, subject=f"{kind.word}:{row_id}", external_id=row.external_id, name=row.name
    )
    db.session.delete(row)
    _flush()


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        name = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""
        if name.startswith("fk_"):
            raise StillInUse from error
        raise


def _filtered(model: Any, asked: Mapping[str, Any]) -> Select[Any]:
    query = select(model)
    for name in ("external_id", "code"):
        if name in asked:
            query = query.where(getattr(model, name) == asked[name])
    if asked.get("search"):
        query = query.where(or_(*(begins(column, asked["search"]) for column in (model.name, model.code))))
    return query


def _refuse_duplicate(kind: Kind, data: Data, *, apart_from: int = 0) -> None:
    model = kind.model
    conditions = []
    if data.get("id") and not apart_from:
        conditions.append(model.id == data["id"])
    if data.get("external_id"):
        conditions.append(model.external_id == data["external_id"])
    if conditions:
        taken = db.session.scalar(select(model.id).where(or_(*conditions), model.id != apart_from).limit(1))
        if taken:
            raise DuplicateMaster(taken)


def _fill(row: Any, data: Data, columns: Iterable[str], children: Iterable[Child]) -> None:
    """Set every column from ``data``, null where it says nothing, and the rows inside in its order."""
    for name in columns:
        setattr(row, name, data.get(name))
    for child in children:
        setattr(row, child.attribute, _carried(getattr(row, child.attribute), child, data[child.attribute]))


def _carried(stored: Iterable[Any], child: Child, entries: list[Data]) -> list[Any]:
    waiting = {row.id: row for row in stored}
    named = {entry["id"] for entry in entries if "id" in entry}
    if strange := named - set(waiting):
        bulk_upsert.reserve_id(child.model, max(strange))
    rows = []
    for position, entry in enumerate(entries):
        row = _taken(waiting, named, child, entry) or child.model(id=entry.get("id"))
        row.position = position
        _fill(row, entry, child.columns, child.children)
        rows.append(row)
    return rows


def _taken(waiting: dict[int, Any], named: set[int], child: Child, entry: Data) -> Any:
    if "id" in entry:
        return waiting.pop(entry["id"], None)
    for row_id, row in waiting.items():
        if row_id not in named and all(getattr(row, name) == entry.get(name) for name in child.key):
            return waiting.pop(row_id)
    return None


def _require_products(data: Data) -> None:
    wanted = [(number, line["product_id"]) for number, line in enumerate(data.get("flow_infos", ()))]
    if not wanted:
        return
    known = set(db.session.scalars(select(Product.id).where(Product.id.in_({row_id for _, row_id in wanted}))))
    faults: list[Fault] = [
        (("flowInfoList", number, "productId"), row_id, N_("Unknown product."))
        for number, row_id in wanted
        if row_id not in known
    ]
    if faults:
        raise BadFields(faults)
