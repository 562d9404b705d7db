"""``/admin``: overview with what needs attention, charts, live feed and background work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from app import events
from app.accounts.guards import ADMINISTRATION, SIGNED_IN, requires
from app.accounts.ownership import scope
from app.admin import feed
from app.admin.attention_links import needs_of_viewer
from app.admin.charts import build_chart
from app.admin.viewer import viewer
from app.einvoices.models.work import EinvoicePdf, EinvoiceSending
from app.einvoices.queries import lookup as einvoices
from app.grn.receipts import service as receipts
from app.kernel.errors import Unauthenticated
from app.kernel.worker import work_queue
from app.sales.queries import lists as sales

blp = Blueprint("overview", __name__)
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Domain:
    """Chart of a domain; it links to the domain's list."""

    label: LazyString
    endpoint: str
    count_per_day: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Card:
    """Card of the overview; ``load`` returns the variable ``card`` of its template, or None to hide the card."""

    template: str
    ability: str
    load: Callable[[], Any]


def _count_einvoices() -> Any:
    return einvoices.created_per_day(_WEEK, scope())


def _background_work() -> dict[str, int]:
    """Number of waiting events, PDFs and sendings."""
    return {
        "events": events.count_unpublished(),
        "pdfs": work_queue.count_waiting(EinvoicePdf),
        "sendings": work_queue.count_waiting(EinvoiceSending),
    }


DOMAINS = (
    Domain(lazy_gettext("Sales invoices"), "admin.sales.index", lambda: sales.imported_per_day(_WEEK)),
    Domain(lazy_gettext("Goods receipts"), "admin.receipts.index", lambda: receipts.received_per_day(_WEEK)),
    Domain(lazy_gettext("E-invoices"), "admin.einvoices.index", _count_einvoices),
)
#: Cards in the order of the page.
CARDS = (Card("admin/cards/background_work.html", ADMINISTRATION, _background_work),)


@blp.get("")
@requires(SIGNED_IN)
def show() -> str:
    """The parts of the overview that the viewer's role may see."""
    known = viewer()
    if known is None:
        raise Unauthenticated
    cards = ((card.template, card.load()) for card in CARDS if known.may(card.ability))
    return render_template(
        "admin/overview_show.html",
        needs=needs_of_viewer(),
        charts=[(domain, build_chart(domain.count_per_day())) for domain in DOMAINS if known.may_open(domain.endpoint)],
        cards=[(template, loaded) for template, loaded in cards if loaded is not None],
        feed=feed.load_feed() if known.may("events:read") else None,
    )
