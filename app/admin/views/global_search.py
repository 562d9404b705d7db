"""``/admin/search``: invoices, receipts, rolls, e-invoices and calls that a number, a name or an id belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from werkzeug.wrappers import Response

from app.accounts import call_log
from app.accounts.audit_log import entries as audit_entries
from app.accounts.audit_log.schemas import AuditSearchQuery
from app.accounts.guards import SIGNED_IN, requires
from app.accounts.ownership import scope
from app.admin.helpers import SEE_OTHER
from app.admin.viewer import viewer
from app.einvoices.queries import lookup as einvoices_lookup
from app.einvoices.schemas.lists import ListQuery
from app.grn.receipts import search as receipts_search
from app.grn.receipts import service as receipts
from app.grn.schemas.filters import ReceiptQuery
from app.kernel.identifiers import clean_identifier
from app.sales.queries import lists as sales_lists
from app.sales.schemas.lists import InvoiceQuery

blp = Blueprint("global_search", __name__, url_prefix="/search")

#: Hits that are shown of each kind, and the longest text that is searched for.
MAX_HITS, MAX_LENGTH = 8, 100
#: A request id is not shorter: shorter texts are not searched for in the records.
MIN_REQUEST_ID = 16


@dataclass(frozen=True, slots=True)
class Hit:
    """One found object: its number, where its page is, what tells it apart, and the code of its status.

    ``other_number`` means the object as well: the QR code of a label has the factory's number of a roll.
    """

    number: str
    url: str
    facts: Sequence[str] = ()
    status: str = ""
    other_number: str = ""

    def is_meant(self, text: str) -> bool:
        """Whether the text is a whole number of the object, in any case."""
        return text.casefold() in {self.number.casefold(), self.other_number.casefold()}


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits of one kind; ``url`` is the list with all of them."""

    title: LazyString
    found: Sequence[Hit]
    url: str | None = None


Search = Callable[[str], Iterator[Hits]]


@blp.get("")
@requires(SIGNED_IN)
def show() -> str | Response:
    """What was found; the page of the object itself if there is one hit, and the text is its whole number."""
    text = clean_identifier(request.args.get("q", ""))[:MAX_LENGTH]
    groups = [hits for hits in _all_hits(text, _OBJECTS) if hits.found] if text else []
    if not groups and len(text) >= MIN_REQUEST_ID:
        groups = [hits for hits in _all_hits(text, _RECORDS) if hits.found]
    found = [hit for hits in groups for hit in hits.found]
    if len(found) == 1 and found[0].is_meant(text):
        return redirect(found[0].url, SEE_OTHER)
    return render_template("admin/global_search.html", text=text, groups=groups)


def _all_hits(text: str, searches: Sequence[tuple[str, Search]]) -> Iterator[Hits]:
    known = viewer()
    for endpoint, search in searches:
        if known is not None and known.may_open(endpoint):
            yield from search(text)


def _sales(text: str) -> Iterator[Hits]:
    page = sales_lists.find_page(InvoiceQuery().load({"search": text, "page_size": MAX_HITS, "cursor": ""}))
    found = [
        Hit(
            invoice.invoice_no,
            url_for("admin.sales.show", invoice_id=invoice.id),
            (invoice.customer.name, invoice.customer.code),
            invoice.status,
        )
        for invoice in page.results
    ]
    yield Hits(lazy_gettext("Sales invoices"), found, url_for("admin.sales.index", search=text))


def _receipts(text: str) -> Iterator[Hits]:
    page = receipts.find_page(ReceiptQuery().load({"search": text, "pageSize": MAX_HITS}))
    rolls = receipts_search.find_rolls(text, MAX_HITS)
    of_rolls = {roll.item.receipt_id for roll in rolls}
    found = [
        Hit(
            receipt.invoice_no,
            url_for("admin.receipts.show", receipt_id=receipt.id),
            [item.grn for item in receipt.fabric_items if item.grn][:3],
        )
        for receipt in page.content
        if receipt.id not in of_rolls  # a search for a roll number finds its receipt too
    ]
    yield Hits(lazy_gettext("Rolls"), [_roll_hit(roll) for roll in rolls], url_for("admin.rolls.index", search=text))
    yield Hits(lazy_gettext("Goods receipts"), found, url_for("admin.receipts.index", search=text))


def _roll_hit(roll: Any) -> Hit:
    receipt = roll.item.receipt
    url = url_for("admin.receipts.roll", receipt_id=receipt.id, item_id=roll.fabric_item_id, roll_id=roll.id)
    factory_no = roll.factory_roll_no or ""
    facts = (factory_no, receipt.invoice_no, roll.item.color or "")
    return Hit(roll.supplier_roll_no, url, facts, other_number=factory_no)


def _einvoices(text: str) -> Iterator[Hits]:
    page = einvoices_lookup.find_page(ListQuery().load({"search": text, "per_page": MAX_HITS, "cursor": ""}), scope())
    found = [
        Hit(
            einvoice.invoice_no or f"#{einvoice.id}",
            url_for("admin.einvoices.show", einvoice_id=einvoice.id),
            (einvoice.buyer_name, einvoice.marketplace_order_no or ""),
            einvoice.status,
        )
        for einvoice in page.data
    ]
    yield Hits(lazy_gettext("E-invoices"), found, url_for("admin.einvoices.index", search=text))


def _requests(text: str) -> Iterator[Hits]:
    """The calls and the entries of the audit trail with a request id."""
    filters = {"request_id": text, "page_size": 1}
    calls = call_log.search(call_log.CallQuery().load(filters), scope=scope())
    changes = audit_entries.search(AuditSearchQuery().load(filters), scope=scope())
    found = []
    if calls.calls:
        found.append(Hit(text, url_for("admin.calls.index", request_id=text), (calls.calls[0].path,)))
    if changes.entries:
        url = url_for("admin.audit_entries.index", request_id=text)
        found.append(Hit(text, url, (changes.entries[0].action,)))
    yield Hits(lazy_gettext("Requests"), found)


#: Page of a domain, and the search for everybody who may open it.
_OBJECTS: Sequence[tuple[str, Search]] = (
    ("admin.sales.index", _sales),
    ("admin.receipts.index", _receipts),
    ("admin.einvoices.index", _einvoices),
)
#: Searched only when nothing else was found: the records have no index of request ids.
_RECORDS: Sequence[tuple[str, Search]] = (("admin.calls.index", _requests),)
