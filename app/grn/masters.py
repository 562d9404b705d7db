"""Services for master data: create, find, list, change and delete suppliers, fabrics, products and orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from app.accounts import audit
from app.extensions import db
from app.grn import legal_facts
from app.grn.errors import BadFields, DuplicateMaster, Fault, StillInUse, UnknownMaster
from app.grn.models.masters import Fabric, FabricColor, FlowInfo, FlowPart, Product, ProductionOrder, Supplier
from app.grn.models.receipts import FabricItem, GoodsReceipt
from app.grn.papers import service as papers
from app.grn.receipts import bulk_upsert
from app.grn.receipts.item_builder import Data
from app.grn.receipts.search import starts_with
from app.grn.schemas.pagination import Page, order_columns, paginate
from app.kernel.messages import N_, Message
from app.kernel.pagination.keyset import Order
from app.kernel.pagination.walk import QuerySource


@dataclass(frozen=True, slots=True)
class Child:
    """One kind of child rows; a change matches them to stored rows by ``id``, else by the columns of ``key``."""

    attribute: str
    data_key: str
    model: Any
    columns: tuple[str, ...]
    key: tuple[str, ...]
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of master data."""

    name: str
    model: Any
    columns: tuple[str, ...]
    children: tuple[Child, ...] = ()
    options: tuple[Any, ...] = ()
    #: The children and their children, for ``fitting_rows``.
    parts: tuple[Any, ...] = ()
    #: Columns that are printed on the PDFs of a receipt.
    printed_columns: tuple[str, ...] = ()
    #: Column of a receipt or a fabric item that refers to this kind.
    reference_column: Any = None


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
    (*_COMMON, "email", "phone", "address", *legal_facts.NAMES),
    printed_columns=("name", "code", "address", "email", "phone"),
    reference_column=GoodsReceipt.supplier_id,
)
PRODUCTS = Kind("product", Product, _COMMON)
FABRICS = Kind(
    "fabric",
    Fabric,
    (*_COMMON, "composition", "gsm"),
    (_COLORS,),
    (selectinload(Fabric.colors),),
    ((FabricColor.fabric_id,),),
    printed_columns=("name", "code", "composition"),
    reference_column=FabricItem.fabric_id,
)
ORDERS = Kind(
    "order",
    ProductionOrder,
    (*_COMMON, "buyer"),
    (_LINES,),
    (selectinload(ProductionOrder.flow_infos).selectinload(FlowInfo.parts),),
    ((FlowInfo.order_id,), (FlowPart.flow_info_id, FlowInfo.order_id)),
    printed_columns=("name", "code"),
    reference_column=FabricItem.order_id,
)


def create(kind: Kind, data: Data, *, actor: str) -> Any:
    """Create a row, with the ``id`` that the client sent, if any.

    Raises:
        DuplicateMaster: the id or ``external_id`` is taken.
        BadFields: a flow line names an unknown product, or legal facts do not fit each other.
    """
    _check_duplicate(kind, data)
    data = legal_facts.checked(data)
    if data.get("id"):
        bulk_upsert.advance_sequence(kind.model, data["id"])
    _check_products(data)
    row = kind.model(id=data.get("id"))
    _fill(row, data, kind.columns, kind.children)
    db.session.add(row)
    db.session.flush()
    _audit("created", kind, row, actor)
    return row


def find(kind: Kind, row_id: int) -> Any:
    """Find a row with its children.

    Raises:
        UnknownMaster: there is no such row.
    """
    return _get(_query(kind, row_id))


def find_names(kind: Kind, ids: Iterable[int]) -> dict[int, str]:
    """Return the names of rows by their ids."""
    rows = db.session.execute(select(kind.model.id, kind.model.name).where(kind.model.id.in_(set(ids))))
    return {row.id: row.name for row in rows}


def _query(kind: Kind, row_id: int) -> Select[Any]:
    query = select(kind.model).where(kind.model.id == row_id).options(*kind.options)
    return query.execution_options(populate_existing=True)


def _get(query: Select[Any]) -> Any:
    row = db.session.scalar(query)
    if row is None:
        raise UnknownMaster
    return row


def find_page(kind: Kind, filters: Mapping[str, Any]) -> Page:
    """Return one page of rows with their children."""
    model = kind.model
    order = order_columns(filters["sort"], {"id": model.id, "name": model.name, "code": model.code})
    return paginate(_filter_query(model, filters), filters, order, options=kind.options, parts=kind.parts)


def source(kind: Kind, filters: Mapping[str, Any]) -> QuerySource:
    """The rows with their children, for a page, by name."""
    model = kind.model
    orders = {"name": Order((model.name, model.id)), "created": Order((model.id,))}
    return QuerySource(_filter_query(model, filters), orders, "name", options=kind.options, parts=kind.parts)


def lock(kind: Kind, row_id: int) -> None:
    """Lock a row against other changes until the transaction ends; receipts that refer to it can be created.

    Raises:
        UnknownMaster: there is no such row.
    """
    _get(select(kind.model.id).where(kind.model.id == row_id).with_for_update(key_share=True))


def change(kind: Kind, row_id: int, data: Data, *, actor: str) -> Any:
    """Replace a row by ``data``; children that match a stored one keep their ids, and legal facts need not be sent.

    Raises:
        UnknownMaster: there is no such row.
        DuplicateMaster: the ``external_id`` is taken.
        StillInUse: a child that ``data`` leaves out is referred to.
        BadFields: a flow line names an unknown product, legal facts do not fit, or ``data`` has another id.
    """
    # FOR NO KEY UPDATE: receipts that refer to this row can be created at the same time.
    row = _get(_query(kind, row_id).with_for_update(of=kind.model, key_share=True))
    if data.get("id", row_id) != row_id:
        raise BadFields([(("id",), data["id"], Message(N_("It is %(row_id)s, and stays so."), row_id=row_id))])
    _check_duplicate(kind, data, except_id=row_id)
    data = legal_facts.checked({**audit.state_of(row, legal_facts.of(kind.columns)), **data})
    _check_products(data)
    before, names = _printed_values(kind, row), [name for name in kind.columns if name != "extra"]
    present = audit.state_of(row, names)
    with db.session.no_autoflush:
        _fill(row, data, kind.columns, kind.children)
    _flush()
    if _printed_values(kind, row) != before:
        papers.discard(kind.reference_column == row_id)
    _audit("changed", kind, row, actor, changed=audit.changes(present, audit.state_of(row, names)))
    return row


def _printed_values(kind: Kind, row: Any) -> list[Any]:
    return [getattr(row, name) for name in kind.printed_columns]


def remove(kind: Kind, row_id: int, *, actor: str) -> None:
    """Delete a row that nothing refers to, and write an audit entry.

    Raises:
        UnknownMaster: there is no such row.
        StillInUse: something refers to it.
    """
    row = _get(_query(kind, row_id).with_for_update(of=kind.model))
    _audit("deleted", kind, row, actor)
    db.session.delete(row)
    _flush()


def _audit(action: str, kind: Kind, row: Any, actor: str, **facts: Any) -> None:
    subject, facts = f"{kind.name}:{row.id}", {"external_id": row.external_id, "name": row.name, **facts}
    audit.record(f"{kind.name}.{action}", actor=actor, subject=subject, **facts)


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        name = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""
        if name.startswith("fk_"):
            raise StillInUse from error
        raise


def _filter_query(model: Any, filters: Mapping[str, Any]) -> Select[Any]:
    query = select(model)
    for name in ("external_id", "code"):
        if name in filters:
            query = query.where(getattr(model, name) == filters[name])
    if filters.get("search"):
        query = query.where(or_(*(starts_with(column, filters["search"]) for column in (model.name, model.code))))
    return query


def _check_duplicate(kind: Kind, data: Data, *, except_id: int = 0) -> None:
    model = kind.model
    conditions = []
    if data.get("id") and not except_id:
        conditions.append(model.id == data["id"])
    if data.get("external_id"):
        conditions.append(model.external_id == data["external_id"])
    if conditions:
        taken = db.session.scalar(select(model.id).where(or_(*conditions), model.id != except_id).limit(1))
        if taken:
            raise DuplicateMaster(taken)


def _fill(row: Any, data: Data, columns: Iterable[str], children: Iterable[Child]) -> None:
    """Set all columns and children from ``data``; a column that is missing there becomes null."""
    for name in columns:
        setattr(row, name, data.get(name))
    for child in children:
        setattr(row, child.attribute, _merge_rows(getattr(row, child.attribute), child, data[child.attribute]))


def _merge_rows(stored: Iterable[Any], child: Child, entries: list[Data]) -> list[Any]:
    """Turn ``entries`` into rows, in their order: each takes over a matching stored row or becomes a new one."""
    unmatched = {row.id: row for row in stored}
    sent_ids = {entry["id"] for entry in entries if "id" in entry}
    if new_ids := sent_ids - set(unmatched):
        bulk_upsert.advance_sequence(child.model, max(new_ids))
    rows = []
    for position, entry in enumerate(entries):
        row = _match_row(unmatched, sent_ids, child, entry) or child.model(id=entry.get("id"))
        row.position = position
        _fill(row, entry, child.columns, child.children)
        rows.append(row)
    return rows


def _match_row(unmatched: dict[int, Any], sent_ids: set[int], child: Child, entry: Data) -> Any:
    """Remove and return the stored row that ``entry`` means, or None."""
    if "id" in entry:
        return unmatched.pop(entry["id"], None)
    for row_id, row in unmatched.items():
        if row_id not in sent_ids and all(getattr(row, name) == entry.get(name) for name in child.key):
            return unmatched.pop(row_id)
    return None


def _check_products(data: Data) -> None:
    references = [(number, line["product_id"]) for number, line in enumerate(data.get("flow_infos", ()))]
    if not references:
        return
    known = set(db.session.scalars(select(Product.id).where(Product.id.in_({row_id for _, row_id in references}))))
    faults: list[Fault] = [
        (("flowInfoList", number, "productId"), row_id, N_("Unknown product."))
        for number, row_id in references
        if row_id not in known
    ]
    if faults:
        raise BadFields(faults)
