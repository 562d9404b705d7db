"""Form of an e-invoice draft: values as stored or as typed, their payload for the services, and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from app.admin.forms.line_table import TableLine, add_line_errors, records
from app.admin.forms.number_input import read_number, typed_number
from app.admin.legal_forms.fact_fields import GROUPS, ITEM, stored_facts, stored_item_facts, typed_facts
from app.einvoices.models.einvoices import BUYER_TEXTS, Einvoice, EinvoiceItem
from app.einvoices.models.sellers import SellerProfile
from app.kernel.errors import Refusal

_TEXTS, _NUMBERS = ("name", "sku"), ("quantity", "unit_price", "discount_amount", "vat_rate")
_ORDER = ("marketplace", "marketplace_order_no")
#: Values of the choice whether the buyer is a company.
_BUSINESS = {"true": True, "false": False}


@dataclass(slots=True)
class DraftForm:
    """The fields of a draft as texts by name, its lines, and the errors: by field, and of no field."""

    values: dict[str, str]
    lines: Sequence[TableLine] = ()
    errors: dict[str, list[str]] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)

    def payload(self, account: str | None) -> dict[str, Any]:
        """The data of a request of the API; lines and currency only if the form has them.

        Args:
            account: the account that the draft has. It is sent only when another one was chosen.
        """
        texts = {name: self.values.get(name, "").strip() for name in (*_ORDER, "notes")}
        chosen = self.values.get("provider_account_id")
        facts = typed_facts((fact for group in GROUPS for fact in group.facts), self.values)
        return {
            **facts,
            "buyer": {name: self.values.get(f"buyer-{name}", "").strip() for name in BUYER_TEXTS}
            | {"is_business": _BUSINESS.get(self.values.get("buyer-is_business", ""))}
            | facts.get("buyer", {}),
            "notes": texts["notes"],
            **{name: texts[name] or None for name in _ORDER},
            "allow_duplicate_order": "allow_duplicate_order" in self.values,
            **({"items": [_item(line) for line in self.lines]} if "currency" in self.values else {}),
            **({"currency": self.values["currency"]} if "currency" in self.values else {}),
            **({} if chosen in {None, account} else {"provider_account_id": chosen or None}),
        }

    def add_errors(self, refusal: Refusal) -> None:
        """Put the errors of a refusal beside their fields."""
        for path, texts in add_line_errors(self.lines, refusal, "name"):
            name = "-".join(str(step) for step in path)
            if name in self.values or name == "buyer-is_business":
                self.errors.setdefault(name, []).extend(texts)
            else:
                self.general += texts


def empty_line(profile: SellerProfile) -> TableLine:
    """A new line: one piece, with the VAT rate of the seller."""
    return TableLine({"quantity": typed_number(1), "vat_rate": typed_number(profile.default_vat_rate)})


def new_form(profile: SellerProfile, account: str | None) -> DraftForm:
    """The form of a new draft."""
    values = {"currency": profile.currency} | ({} if account is None else {"provider_account_id": account})
    return DraftForm(values, [empty_line(profile)])


def stored_form(einvoice: Einvoice, *, has_lines: bool) -> DraftForm:
    """The form of a draft as it is stored."""
    values = {f"buyer-{name}": str(getattr(einvoice, f"buyer_{name}")) for name in BUYER_TEXTS}
    business = {answer: text for text, answer in _BUSINESS.items()}
    values["buyer-is_business"] = (
        business.get(einvoice.buyer_is_business, "") if einvoice.buyer_is_business is not None else ""
    )
    values |= {name: getattr(einvoice, name) or "" for name in (*_ORDER, "notes")} | stored_facts(einvoice)
    values["provider_account_id"] = str(einvoice.provider_account_id or "")
    if einvoice.allow_duplicate_order:
        values["allow_duplicate_order"] = "yes"
    if not has_lines:
        return DraftForm(values)
    values["currency"] = einvoice.currency
    return DraftForm(values, [TableLine(_stored_line(item)) for item in einvoice.items])


def submitted_form(form: MultiDict[str, str]) -> DraftForm:
    """The form as it was typed.

    Raises:
        WrongTable: a field is missing in a line.
    """
    names = (*_TEXTS, *_NUMBERS, *(fact.name for fact in ITEM if fact.name in form))
    values = {name: form[name] for name in form if name not in names}
    return DraftForm(values, [TableLine(values) for values in records(form, names)])


def _item(line: TableLine) -> dict[str, Any]:
    numbers = {name: read_number(line.values[name]) for name in _NUMBERS}
    if not line.values["discount_amount"].strip():
        del numbers["discount_amount"]
    texts = {name: line.values[name].strip() for name in _TEXTS}
    return {**typed_facts(ITEM, line.values), **texts, **numbers}


def _stored_line(item: EinvoiceItem) -> dict[str, str]:
    return {
        "name": item.name,
        "sku": item.sku,
        "quantity": typed_number(item.quantity),
        "unit_price": typed_number(item.unit_price, 2),
        "discount_amount": typed_number(item.discount_amount, 2) if item.discount_amount else "",
        "vat_rate": typed_number(item.vat_rate),
        **stored_item_facts(item),
    }
