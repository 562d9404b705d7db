"""Fabric items of a page of receipts, loaded only if the page is not too large to answer."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import selectinload

from app.config import MIB
from app.extensions import db
from app.grn.models.receipts import FabricItem, GoodsReceipt
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message

#: Bytes of a page; 15 receipts with the largest metadata made an answer of 255 MB, which filled the process.
MAX_MIB = 32
#: Bytes of a fabric item without its metadata, at most.
_ITEM_BYTES = 2000


def load_items(receipts: Sequence[GoodsReceipt]) -> None:
    """Load the fabric items of ``receipts``.

    Raises:
        Invalid: together they are too large; a single receipt never is, because a body is limited.
    """
    ids = [receipt.id for receipt in receipts]
    if len(ids) > 1 and _bytes_of(ids) > MAX_MIB * MIB:
        text = N_("These %(count)s receipts have more than %(n)s MiB. Use a smaller pageSize.")
        raise Invalid({"pageSize": [Message(text, count=len(ids), n=MAX_MIB)]})
    loaded = select(GoodsReceipt).where(GoodsReceipt.id.in_(ids)).options(selectinload(GoodsReceipt.fabric_items))
    db.session.scalars(loaded).all()


def _bytes_of(ids: Sequence[int]) -> int:
    metadata = func.coalesce(func.octet_length(cast(FabricItem.extra, Text)), 0)
    total = func.coalesce(func.sum(metadata + _ITEM_BYTES), 0)
    return int(db.session.scalar(select(total).where(FabricItem.receipt_id.in_(ids))))
