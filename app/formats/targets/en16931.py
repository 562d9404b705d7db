"""``en_form()``: an invoice as EN 16931 says it, for UBL (Peppol BIS 3) and CII (Factur-X)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.formats.canonical import AllowanceCharge, Format, Invoice, Payment, Reference, Tax, TaxTotal, Totals
from app.formats.targets.en_lines import category_of, en_allowance, en_line
from app.formats.targets.en_parties import buyer_of, delivery_of, fiscal_agent_of, payee_of, seller_of
from app.formats.targets.neutral import ZERO, neutral, other_taxes, to_cents, withheld
from app.formats.targets.not_writable import Problem, refuse_if_any
from app.formats.values import least_decimals
from app.kernel.messages import N_

CORE = "urn:cen.eu:en16931:2017"
PEPPOL = f"{CORE}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
_PEPPOL_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
#: Types that are written as a credit note in UBL.
_UBL_CREDIT_NOTES = frozenset({"81", "83", "381", "396", "532"})
_TRANSFER, _NOT_DEFINED = "30", "1"
#: UNTDID 1001: any document, a call for tenders, a project.
_ANY_DOCUMENT, _TENDER, _PROJECT = "916", "50", "50"
#: Kinds of references in the order in which a reader finds them, and those that EN 16931 allows once.
_KINDS = {
    Format.UBL: ("order", "contract", "despatch", "receipt", "tender", "project", "additional", "original"),
    Format.CII: ("order", "contract", "additional", "tender", "project", "despatch", "receipt", "original"),
}
_MANY = frozenset({"additional", "original"})
_VATEX = "VATEX-"
_FORINT = "HUF"
_WITHHELD = "{amount} {currency} of the VAT is withheld: the buyer pays it to the tax office."


def en_form(invoice: Invoice, format: Format) -> Invoice:  # noqa: A002 - the field's word
    """The invoice in EN 16931. ``format`` is ``UBL`` or ``CII``.

    Withheld VAT is an amount that has been paid (BT-113), which a note explains: EN 16931 has no withholding.

    Raises:
        NotWritable: it has other taxes than VAT, more decimals than two, or 0 % without a category.
    """
    source = neutral(invoice)
    refuse_if_any([*_tax_problems(source), *decimal_problems(source)])
    form = replace(
        _head(source, format),
        references=tuple(_references(source, format)),
        seller=seller_of(source.seller, format),
        buyer=buyer_of(source.buyer, format),
        payee=payee_of(source.payee, format),
        tax_representative=fiscal_agent_of(source.tax_representative),
        delivery=delivery_of(source.delivery),
        lines=tuple(en_line(each, place) for place, each in enumerate(source.lines, 1)),
        allowances=tuple(en_allowance(each, _tax_of(each, source)) for each in source.allowances),
        taxes=_taxes(source),
        totals=_totals(source),
    )
    return replace(form, payments=tuple(_payments(source, form)))


def _head(source: Invoice, format: Format) -> Invoice:  # noqa: A002
    specification, process = specification_of(source, format)
    return Invoice(
        format=format,
        specification=specification,
        process=process,
        number=source.number,
        type=source.type,
        is_credit_note=source.type in _UBL_CREDIT_NOTES if format is Format.UBL else source.is_credit_note,
        issue_date=source.issue_date,
        tax_point_date=source.tax_point_date,
        due_date=source.due_date,
        payment_terms=source.payment_terms,
        period=source.period,
        currency=source.currency,
        tax_currency=source.taxes[1].currency if len(source.taxes) > 1 else None,
        buyer_reference=source.buyer_reference,
        notes=_notes(source, format),
    )


def decimal_problems(source: Invoice) -> Iterator[Problem]:
    """Amounts with more than two decimals, as those in dinars."""
    amounts = {f"totals.{name}": getattr(source.totals, name) for name in Totals.__dataclass_fields__}
    amounts |= {f"lines[{place}].net": line.net for place, line in enumerate(source.lines)}
    amounts |= {f"allowances[{place}].amount": each.amount for place, each in enumerate(source.allowances)}
    for name, amount in amounts.items():
        if amount is not None and amount != to_cents(amount):
            yield Problem(name, N_("The format has amounts with at most two decimals."))


def _tax_problems(source: Invoice) -> Iterator[Problem]:
    if other_taxes(source):
        yield Problem("taxes", N_("The format has no other taxes than VAT."))
    if any(line.other_charges for line in source.lines):
        yield Problem("lines", N_("The format has no charges of a line that bear no tax."))
    for place, line in enumerate(source.lines):
        if line.tax is None or line.tax.category is None:
            text = N_("Name the VAT category: at a rate of zero the format needs to know why.")
            yield Problem(f"lines[{place}].tax.category", text)
    for place, each in enumerate(source.allowances):
        if _tax_of(each, source) is None:
            yield Problem(f"allowances[{place}].tax.category", N_("Name the VAT category of the allowance or charge."))


def _tax_of(each: AllowanceCharge, source: Invoice) -> Tax | None:
    """The tax of an allowance of the document: its own, or that of all lines."""
    if each.tax is not None and each.tax.category is not None:
        return each.tax
    known = {category_of(line.tax) for line in source.lines}
    return known.pop() if len(known) == 1 else None


def has_whole_amounts(currency: str | None) -> bool:
    """Whether lines are rounded to whole amounts: Peppol's rules do not allow it, for forints apart."""
    return least_decimals(currency) == 0 and currency != _FORINT


def specification_of(source: Invoice, format: Format) -> tuple[str, str | None]:  # noqa: A002
    """That of the source if it is one of EN 16931; otherwise Peppol where both parties have an electronic address."""
    stated = source.specification or ""
    if format is Format.CII:
        return CORE, None
    if stated.startswith(CORE):
        return stated, source.process
    parties = (seller_of(source.seller, format), buyer_of(source.buyer, format))
    has_reference = source.buyer_reference or any(each.kind == "order" for each in source.references)
    is_peppol = (
        has_reference and not has_whole_amounts(source.currency) and all(each.endpoint is not None for each in parties)
    )
    return (PEPPOL, _PEPPOL_PROCESS) if is_peppol else (CORE, None)


def _notes(source: Invoice, format: Format) -> tuple[str, ...]:  # noqa: A002
    notes = list(source.notes)
    if amount := withheld(source):
        notes.append(_WITHHELD.format(amount=to_cents(amount), currency=source.currency))
    # Peppol allows one note.
    return ("\n".join(notes),) if len(notes) > 1 and format is Format.UBL else tuple(notes)


def _references(source: Invoice, format: Format) -> Iterator[Reference]:  # noqa: A002
    """The references by kind; only the preceding invoice has a date (BT-26)."""
    for kind in _KINDS[format]:
        known = [each for each in source.references if each.kind == kind]
        for each in known if kind in _MANY else known[:1]:
            date = each.date if kind == "original" else None
            yield Reference(kind=kind, id=each.id, date=date, type=_reference_type(kind, source, format))


def _reference_type(kind: str, source: Invoice, format: Format) -> str | None:  # noqa: A002
    """The code with which the syntax tells references of one element apart."""
    if format is Format.UBL:
        return _PROJECT if kind == "project" and source.type in _UBL_CREDIT_NOTES else None
    return {"additional": _ANY_DOCUMENT, "tender": _TENDER}.get(kind)


def means_of(payment: Payment) -> str:
    """The code of the means of payment (BT-81)."""
    return payment.means or (_TRANSFER if payment.iban else _NOT_DEFINED)


def _payments(source: Invoice, form: Invoice) -> Iterator[Payment]:
    """Payment means with a code; in UBL, the due date of a credit note needs one."""
    reference = next((each.reference for each in source.payments if each.reference), None)
    for each in source.payments:
        has_account = each.iban is not None
        yield Payment(
            means=means_of(each),
            iban=each.iban,
            bic=each.bic if has_account else None,
            holder=each.holder if has_account else None,
            reference=reference,
        )
    if not source.payments and form.format is Format.UBL and form.is_credit_note and form.due_date:
        yield Payment(means=_NOT_DEFINED)


def _taxes(source: Invoice) -> tuple[TaxTotal, ...]:
    """A row per category and rate, with one exemption; then the total in the currency of the tax office."""
    rows: dict[Tax, Tax] = {}
    for row in source.taxes[0].rows:
        key = category_of(row) or Tax()
        known = rows.get(key)
        base, amount = row.base or ZERO, row.amount or ZERO
        if known is not None:
            base, amount = base + (known.base or ZERO), amount + (known.amount or ZERO)
        rows[key] = replace(known or _exemption(row, key), base=base, amount=amount)
    own = replace(source.taxes[0], rows=tuple(rows.values()))
    return (own, *(TaxTotal(amount=each.amount, currency=each.currency) for each in source.taxes[1:2]))


def _exemption(row: Tax, key: Tax) -> Tax:
    """The row with its exemption. A code of another list than VATEX becomes a part of the reason."""
    code, reason = row.exemption_code, row.exemption_reason
    if row.category in {"S", "Z"}:
        return key
    if code is not None and not code.startswith(_VATEX):
        code, reason = None, f"{code}: {reason}" if reason else code
    return replace(key, exemption_code=code, exemption_reason=reason)


def _totals(source: Invoice) -> Totals:
    paid = (source.totals.prepaid or ZERO) + withheld(source)
    return replace(source.totals, prepaid=paid or None)
