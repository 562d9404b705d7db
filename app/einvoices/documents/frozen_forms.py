"""``canonical_of()``: the canonical form of an e-invoice, stored in the transaction of its issue and never changed."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import selectinload

from app.einvoices.documents.canonical_form import build, issue_facts_of
from app.einvoices.models.documents import EinvoiceCanonicalForm
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.legal_fields import TaxRule
from app.extensions import db
from app.formats.canonical import Invoice
from app.formats.canonical_json import VERSION, canonical_bytes, read_canonical
from app.kernel import clock

#: In the way of each issue, so it goes to the driver directly.
_INSERT = """
    INSERT INTO e_invoice_canonical_forms (einvoice_id, version, body, sha256, tax_rule, is_late, created_at)
    VALUES (%(einvoice_id)s, %(version)s, %(body)s, %(sha256)s, %(tax_rule)s, %(is_late)s, %(created_at)s)
"""


def freeze(einvoice: Einvoice) -> None:
    """Store the form of an e-invoice that is being issued, and its hash with the e-invoice."""
    values = _values(einvoice, is_late=False)
    einvoice.canonical_sha256 = values["sha256"]
    db.session.connection().connection.driver_connection.cursor().execute(_INSERT, values)


def canonical_of(einvoice: Einvoice) -> Invoice:
    """The form of an issued e-invoice, from the stored bytes; see ``frozen_form``.

    Raises:
        ValueError: it is a draft.
    """
    return read_canonical(frozen_form(einvoice).body.encode())


def frozen_form(einvoice: Einvoice) -> EinvoiceCanonicalForm:
    """The stored form with its hash.

    An e-invoice of an earlier release gets its form now, from its row, and ``is_late`` says so.

    Raises:
        ValueError: it is a draft.
    """
    found: EinvoiceCanonicalForm | None = db.session.get(EinvoiceCanonicalForm, einvoice.id)
    if found is None:
        issue_facts_of(einvoice)  # a draft has no form
        loaded = db.session.get_one(
            Einvoice, einvoice.id, options=[selectinload(Einvoice.items)], populate_existing=True
        )
        # Another transaction may do the same at this moment; both make the same bytes.
        statement = insert(EinvoiceCanonicalForm).values(_values(loaded, is_late=True)).on_conflict_do_nothing()
        db.session.execute(statement)
        found = db.session.get_one(EinvoiceCanonicalForm, einvoice.id)
    return found


def _values(einvoice: Einvoice, *, is_late: bool) -> dict[str, Any]:
    original = None if einvoice.original_id is None else db.session.get_one(Einvoice, einvoice.original_id)
    raw = canonical_bytes(build(einvoice, issue_facts_of(einvoice), original))
    return {
        "einvoice_id": einvoice.id,
        "version": VERSION,
        "body": raw.decode(),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "tax_rule": einvoice.tax_rule or TaxRule.PER_RATE.value,
        "is_late": is_late,
        "created_at": clock.now(),
    }
