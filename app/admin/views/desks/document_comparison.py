"""``/admin/einvoices/{id}/documents``: an e-invoice in all legal formats side by side."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from flask import Blueprint, render_template
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from app.accounts.ownership import scope
from app.einvoices.access import requires_einvoices
from app.einvoices.documents import comparison
from app.formats.canonical import Invoice, Party, TaxTotal

blp = Blueprint("document_comparison", __name__, url_prefix="/einvoices")


@blp.get("/<int:einvoice_id>/documents")
@requires_einvoices("einvoices:read")
def show(einvoice_id: int) -> str:
    """What each format says, and what the rules say of it."""
    einvoice, columns = comparison.compare(einvoice_id, scope())
    rows = [(label, [value(each.form) if each.form else "" for each in columns]) for label, value in FACTS.items()]
    return render_template(
        "admin/document_comparison_show.html",
        einvoice=einvoice,
        columns=columns,
        rows=[(label, values) for label, values in rows if any(values)],
    )


def _party(party: Party) -> str:
    name = party.name or " ".join(part for part in (party.first_name, party.family_name) if part)
    return "\n".join([name, *(f"{each.scheme or ''} {each.value}".strip() for each in party.tax_ids)])


def _amount(form: Invoice, amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:f} {form.currency or ''}".strip()


def _taxes(totals: tuple[TaxTotal, ...]) -> str:
    """A line for each rate: its name or category, the rate, the base and the amount."""
    rows = [row for total in totals for row in total.rows if row.amount or row.base]
    return "\n".join(
        " ".join(
            part
            for part in (
                row.category or row.type,
                f"{row.rate.normalize():f} %" if row.rate is not None else "",
                f"{row.base:f} →" if row.base is not None else "",
                f"{row.amount:f}" if row.amount is not None else "",
                row.exemption_code or "",
            )
            if part
        )
        for row in rows
    )


#: Facts of the comparison, in the words of each format.
FACTS: dict[LazyString, Callable[[Invoice], str]] = {
    lazy_gettext("Number"): lambda form: form.number or "",
    lazy_gettext("Specification"): lambda form: form.specification or "",
    lazy_gettext("Scenario or process"): lambda form: form.process or "",
    lazy_gettext("Type"): lambda form: form.type or "",
    lazy_gettext("Issued"): lambda form: form.issue_date or "",
    lazy_gettext("Due"): lambda form: form.due_date or "",
    lazy_gettext("Seller"): lambda form: _party(form.seller),
    lazy_gettext("Buyer"): lambda form: _party(form.buyer),
    lazy_gettext("Units"): lambda form: ", ".join(dict.fromkeys(line.unit or "–" for line in form.lines)),
    lazy_gettext("Net"): lambda form: _amount(form, form.totals.lines),
    lazy_gettext("VAT"): lambda form: _taxes(form.taxes),
    lazy_gettext("Withheld VAT"): lambda form: _taxes(form.withholdings),
    lazy_gettext("Prepaid"): lambda form: _amount(form, form.totals.prepaid),
    lazy_gettext("Rounding"): lambda form: _amount(form, form.totals.rounding),
    lazy_gettext("Payable"): lambda form: _amount(form, form.totals.payable),
}
