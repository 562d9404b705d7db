"""``gap()``: a finding of the readiness, with the place in the canonical form and the business term."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

from app.formats.canonical import Invoice
from app.kernel.messages import N_, Message
from app.rules.findings import RuleFinding, Severity
from app.rules.terms import term_of

REQUIRED = N_("This field is required.")
_CENT = Decimal("0.01")


def gap(
    rule: str,
    field: str,
    message: str = REQUIRED,
    *,
    path: str | None = None,
    hint: str | None = None,
    severity: Severity = Severity.ERROR,
) -> RuleFinding:
    """What ``rule`` says against ``field``."""
    term = term_of(field)
    terms = (term,) if term else ()
    return RuleFinding(rule=rule, severity=severity, message=message, field=field, terms=terms, path=path, hint=hint)


def unknown_code(rule: str, field: str, code: str | None, known: Collection[str]) -> Iterator[RuleFinding]:
    """A finding if a code is stated and not of the list."""
    if code is not None and code not in known:
        yield gap(rule, field, Message(N_("The list of this format has no code %(code)s."), code=code))


def odd_decimals(invoice: Invoice, rule: str) -> Iterator[RuleFinding]:
    """Amounts with more than two decimals, as those in dinars."""
    amounts = [
        ("totals.payable", invoice.totals.payable),
        ("totals.tax_exclusive", invoice.totals.tax_exclusive),
        *((f"lines[{place}].net", line.net) for place, line in enumerate(invoice.lines)),
        *((f"allowances[{place}].amount", each.amount) for place, each in enumerate(invoice.allowances)),
    ]
    for field, amount in amounts:
        if amount is not None and amount != amount.quantize(_CENT):
            hint = N_("Use a currency with at most two decimals, or round prices and quantities.")
            yield gap(rule, field, N_("The format has amounts with at most two decimals."), hint=hint)
