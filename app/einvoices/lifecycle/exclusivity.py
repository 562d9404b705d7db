"""One e-invoice for a sales invoice, of all users together, and one for an order of a marketplace, of each owner."""

from __future__ import annotations

from sqlalchemy import select, text

from app.accounts.ownership import Scope
from app.einvoices import invoice_sources
from app.einvoices.errors import AlreadyInvoiced, CorrectedAccepted, DuplicateOrder, SaleChanged, SaleInReview
from app.einvoices.lifecycle import document_mode
from app.einvoices.models.einvoices import Einvoice, folded
from app.einvoices.provider_accounts import status_words
from app.einvoices.queries.lookup import ids_of_sale, is_in_force
from app.einvoices.status import Type
from app.extensions import db

#: As text, because each issue runs it: building it from columns takes longer than running it.
_OTHER_OF_ORDER = text(
    f"""
    SELECT id FROM e_invoices
    WHERE owner_id = :owner_id
      AND {folded("marketplace_order_no")} = {folded(":order_no")}
      AND {folded("marketplace")} = {folded(":marketplace")}
      AND type = 'sale' AND status <> 'cancelled' AND corrected_by_id IS NULL AND NOT is_test
      AND id <> :id AND (number IS NOT NULL OR NOT :issued_only)
    LIMIT 1
    """  # noqa: S608 - only names of columns and parameters are put in
)
_LOCK_ORDER = text(f"SELECT pg_advisory_xact_lock(hashtextextended({folded(':name')}, 0))")


def require_free_sale(sales_invoice_no: str, einvoice: Einvoice | None, scope: Scope, *, lock: bool = True) -> None:
    """Refuse a sales invoice that is in review, or that has an issued e-invoice of anybody besides ``einvoice``.

    A cancelled, rejected or test e-invoice does not count, and a test document may stand beside the legal one. The
    sales invoice is locked until the commit, so that two users cannot both find it free.

    Raises:
        SaleInReview: the sales invoice is in review.
        AlreadyInvoiced: it has an e-invoice, which is named when it is within ``scope``.
    """
    source = invoice_sources.SOURCES["sales"]
    if (source.lock if lock else source.is_in_review)(sales_invoice_no):
        raise SaleInReview
    if einvoice is not None and document_mode.will_be_test(einvoice):
        return
    query = select(Einvoice.id, Einvoice.invoice_no, Einvoice.owner_id).where(
        Einvoice.sales_invoice_no == sales_invoice_no,
        Einvoice.number.is_not(None),
        ~Einvoice.is_test,
        is_in_force(),
        status_words.is_not_rejected(),
    )
    if einvoice is not None:
        query = query.where(Einvoice.id != einvoice.id)
    other = db.session.execute(query.limit(1)).first()
    if other is not None:
        is_visible = scope is None or other.owner_id == scope
        raise AlreadyInvoiced(other.id, other.invoice_no) if is_visible else AlreadyInvoiced()


def require_current_lines(einvoice: Einvoice) -> None:
    """Refuse a draft whose sales invoice was corrected after the draft got its lines.

    Raises:
        SaleChanged: the lines are those before the correction.
    """
    number, read_at = einvoice.sales_invoice_no, einvoice.sales_read_at
    if number and read_at is not None and invoice_sources.SOURCES["sales"].was_corrected(number, read_at):
        raise SaleChanged


def require_still_rejected(correction: Einvoice) -> None:
    """Refuse a correction of an e-invoice that its provider accepted after all: both would be in force.

    Raises:
        CorrectedAccepted: it names the accepted e-invoice.
    """
    if correction.corrects_id is None:
        return
    corrected = Einvoice.id.in_(ids_of_sale(correction)[1:])
    accepted_id = db.session.scalar(select(Einvoice.id).where(corrected, status_words.accepted_late()).limit(1))
    if accepted_id is not None:
        raise CorrectedAccepted(accepted_id)


def require_free_order(einvoice: Einvoice, *, issued_only: bool = False) -> None:
    """Refuse a sale whose order of a marketplace has another e-invoice in force, unless the owner allowed that.

    Upper and lower case make no difference. A test document may have the order of the legal one.

    Raises:
        DuplicateOrder: another e-invoice has the order; with ``issued_only`` drafts do not count.
    """
    order = (einvoice.owner_id, einvoice.marketplace, einvoice.marketplace_order_no)
    if einvoice.type != Type.SALE or einvoice.allow_duplicate_order or not all(order):
        return
    if document_mode.will_be_test(einvoice):
        return
    if not issued_only:  # at issue the lock of the owner is held
        name = "order {} {!r} {!r}".format(*order)
        db.session.execute(_LOCK_ORDER, {"name": name})
    values = {"owner_id": order[0], "marketplace": order[1], "order_no": order[2], "id": einvoice.id or 0}
    other_id = db.session.scalar(_OTHER_OF_ORDER, {**values, "issued_only": issued_only})
    if other_id is not None:
        raise DuplicateOrder(other_id)
