"""``/admin``: overview with charts, live feed and cards about what needs attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, render_template
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from app import events
from app.accounts import module_status
from app.accounts.guards import ADMINISTRATION, SETTINGS, SIGNED_IN, requires
from app.accounts.ownership import owner_id, scope
from app.accounts.tokens import service as tokens
from app.admin import feed
from app.admin.charts import build_chart
from app.admin.viewer import viewer
from app.einvoices.models.work import EinvoicePdf, EinvoiceSending
from app.einvoices.queries import lookup as einvoices
from app.grn.receipts import service as receipts
from app.kernel import clock
from app.kernel.errors import Unauthenticated
from app.kernel.worker import work_queue
from app.sales.queries import lists as sales
from app.webhooks.access import ABILITY as WEBHOOKS
from app.webhooks.endpoints import health

blp = Blueprint("overview", __name__)
_WEEK = 7
_MAX_ENDPOINTS = 5


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


def _expiring() -> dict[str, Any] | None:
    """Modules and tokens of the viewer that expire within a month; also modules that expired recently."""
    found = {
        "modules": module_status.warnings(owner_id()),
        "tokens": [(token, _days_until(token.expires_at)) for token in tokens.expiring_tokens(scope=scope())],
    }
    return found if any(found.values()) else None


def _webhooks() -> health.EndpointHealth | None:
    """Webhook endpoints of the viewer that need attention; None without access to the pages of webhooks."""
    known = viewer()
    has_access = known is not None and known.may_open("admin.webhooks.index")
    return health.endpoint_health(scope(), _MAX_ENDPOINTS) if has_access else None


def _days_until(moment: datetime) -> int:
    return math.ceil((moment - clock.now()) / timedelta(days=1))


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
CARDS = (
    Card("admin/cards/webhooks.html", WEBHOOKS, _webhooks),
    Card("admin/cards/expiring.html", SETTINGS, _expiring),
    Card("admin/cards/background_work.html", ADMINISTRATION, _background_work),
)


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
        charts=[(domain, build_chart(domain.count_per_day())) for domain in DOMAINS if known.may_open(domain.endpoint)],
        cards=[(template, loaded) for template, loaded in cards if loaded is not None],
        feed=feed.load_feed() if known.may("events:read") else None,
    )
