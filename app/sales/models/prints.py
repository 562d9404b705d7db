"""Rows of papers of the sales floor: pick slips and labels of boxes, rendered on demand."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel.database.check_constraints import one_of
from app.pdf.labels.sheets import LabelPaper
from app.pdf.models import DocumentOnDemand, on_demand_constraints


class SalesPaper(StrEnum):
    PICK_SLIP = "pick_slip"
    BOX_LABELS = "box_labels"


class SalesPrint(DocumentOnDemand, db.Model):
    """A pick slip, or the labels of boxes on a paper from a place on; ``copies`` is 0 for one label for each box."""

    __tablename__ = "sales_prints"
    __table_args__ = (
        one_of("kind", SalesPaper),
        one_of("paper", LabelPaper),
        CheckConstraint("start >= 1 AND copies >= 0", name="numbers"),
        *on_demand_constraints("sales_prints"),
    )

    invoice_id: Mapped[int] = mapped_column(ForeignKey("sales_invoices.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    paper: Mapped[str] = mapped_column(String(10), primary_key=True)
    start: Mapped[int] = mapped_column(Integer, primary_key=True)
    copies: Mapped[int] = mapped_column(Integer, primary_key=True)
