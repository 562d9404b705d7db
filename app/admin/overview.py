"""The first page: what came in, what happens now, and what needs somebody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from app import events
from app.accounts import modules
from app.accounts.guards import ADMINISTRATION, SIGNED_IN, requires
from app.accounts.principals import authenticate
from app.admin import feed
from app.admin.charts import chart_of
from app.admin.viewers import viewer
from app.einvoices import leasing
from app.einvoices import service as einvoices
from app.einvoices.resources import MODULE
from app.einvoices.work_models import EinvoicePdf, EinvoiceSending
from app.grn import service as receipts
from app.kernel import clock
from app.sales import listing as sales

blp = Blueprint("overview", __name__)
_WEEK, _MONTH = 7, 30


@dataclass(frozen=True, slots=True)
class Domain:
    """A chart of the overview, which leads to the domain's list."""

    label: LazyString
    endpoint: str
    ability: str
    count: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Card:
    """A box of the overview; ``load`` gives its template ``card``, or None when there is nothing to tell."""

    template: str
    ability: str
    load: Callable[[], Any]


def _my_einvoices() -> Any:
    caller = authenticate()
    return einvoices.made_per_day(_WEEK, None if caller.sees_everything else caller.user_id)


def _ending_modules() -> list[tuple[str, Any, int]] | None:
    """The viewer's modules that end within the month, or ended lately: name, end, days left."""
    caller = authenticate()
    moment = clock.now()
    grants = modules.list_grants_of(caller.user_id or 0)
    left = [(grant.module, grant.ends_at, (grant.ends_at - moment).days) for grant in grants]
    return [told for told in left if -_MONTH <= told[2] <= _MONTH] or None


def _work() -> dict[str, int]:
    """What waits beside the requests, by what it is."""
    return {
        "events": events.waiting(),
        "pdfs": leasing.count_waiting(EinvoicePdf),
        "sendings": leasing.count_waiting(EinvoiceSending),
    }


DOMAINS = (
    Domain(lazy_gettext("Sales invoices"), "admin.sales.index", "sales:read", lambda: sales.imported_per_day(_WEEK)),
    Domain(
        lazy_gettext("Goods receipts"), "admin.receipts.index", "grn:read", lambda: receipts.received_per_day(_WEEK)
    ),
    Domain(lazy_gettext("E-invoices"), "admin.einvoices.index", "einvoices:read", _my_einvoices),
)
#: A room's box comes onto the overview by one line here.
CARDS = (
    Card("admin/cards/modules.html", SIGNED_IN, _ending_modules),
    Card("admin/cards/work.html", ADMINISTRATION, _work),
)


@blp.get("")
@requires(SIGNED_IN)
def show() -> str:
    """The overview, as far as the viewer's role may see."""
    known = viewer()
    may = known.may if known else lambda _ability: False
    return render_template(
        "admin/overview.html",
        charts=[(domain, chart_of(domain.count())) for domain in DOMAINS if may(domain.ability) and _has(domain)],
        cards=[(card.template, loaded) for card in CARDS if may(card.ability) and (loaded := card.load()) is not None],
        feed=feed.newest() if may("events:read") else None,
    )


def _has(domain: Domain) -> bool:
    """E-invoices are a module: who has not enabled it is shown no chart that leads nowhere."""
    return domain.ability != "einvoices:read" or modules.is_enabled(authenticate().user_id, MODULE)
