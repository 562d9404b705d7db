"""``karekod()``: the text of the QR code that GİB wants on the print of an invoice."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal

from app.formats.canonical import Identifier, Invoice
from app.formats.writers.xml_text import amount_text, number

_ZERO = Decimal(0)


def karekod(form: Invoice) -> str:
    """The JSON of the QR code, from a form of the format ``UBL_TR``: its keys and their order are GİB's.

    ``kdvmatrah(20)`` and ``hesaplanankdv(20)`` are the base and the VAT of a rate.
    """
    totals = form.totals
    facts = {
        "vkntckn": _number(form.seller.tax_ids),
        "avkntckn": _number(form.buyer.tax_ids),
        "senaryo": form.process or "",
        "tip": form.type or "",
        "tarih": form.issue_date or "",
        "no": form.number or "",
        "ettn": form.uuid or "",
        "parabirimi": form.currency or "",
        "malhizmettoplam": _amount(totals.lines, form),
        **_rates(form),
        "vergidahil": _amount(totals.tax_inclusive, form),
        "odenecek": _amount(totals.payable, form),
    }
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def _rates(form: Invoice) -> dict[str, str]:
    sums: dict[Decimal, tuple[Decimal, Decimal]] = defaultdict(lambda: (_ZERO, _ZERO))
    for row in (row for each in form.taxes for row in each.rows):
        base, amount = sums[row.rate or _ZERO]
        sums[row.rate or _ZERO] = base + (row.base or _ZERO), amount + (row.amount or _ZERO)
    facts = {}
    for rate, (base, amount) in sums.items():
        facts[f"kdvmatrah({number(rate)})"] = _amount(base, form)
        facts[f"hesaplanankdv({number(rate)})"] = _amount(amount, form)
    return facts


def _number(ids: tuple[Identifier, ...]) -> str:
    return ids[0].value if ids else ""


def _amount(value: Decimal | None, form: Invoice) -> str:
    return amount_text(value if value is not None else _ZERO, form.currency) or ""
