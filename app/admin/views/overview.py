"""The first page: what came in, what happens now, and what needs somebody."""

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
from app.admin.charts import chart_of
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
_WORST = 5


@dataclass(frozen=True, slots=True)
class Domain:
    """A chart of the overview, which leads to the domain's list."""

    label: LazyString
    endpoint: str
    count: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Card:
    """A box of the overview; ``load`` gives its template ``card``, or None when there is nothing to tell."""

    template: str
    ability: str
    load: Callable[[], Any]


def _my_einvoices() -> Any:
    return einvoices.created_per_day(_WEEK, scope())


def _endings() -> dict[str, Any] | None:
    """The viewer's modules that end within the month or ended lately, and tokens that end within the month."""
    found = {
        "modules": module_status.warnings(owner_id()),
        "tokens": [(token, _days_until(token.expires_at)) for token in tokens.expiring_tokens(scope=scope())],
    }
    return found if any(found.values()) else None


def _webhooks() -> health.EndpointHealth | None:
    """The viewer's endpoints that need somebody; nothing without the module, whose pages would be shut."""
    known = viewer()
    may_look = known is not None and known.may_open("admin.webhooks.index")
    return health.endpoint_health(scope(), _WORST) if may_look else None


def _days_until(moment: datetime) -> int:
    return math.ceil((moment - clock.now()) / timedelta(days=1))


def _work() -> dict[str, int]:
    """What waits beside the requests, by what it is."""
    return {
        "events": events.count_unpublished(),
        "pdfs": work_queue.count_waiting(EinvoicePdf),
        "sendings": work_queue.count_waiting(EinvoiceSending),
    }


DOMAINS = (
    Domain(lazy_gettext("Sales invoices"), "admin.sales.index", lambda: sales.imported_per_day(_WEEK)),
    Domain(lazy_gettext("Goods receipts"), "admin.receipts.index", lambda: receipts.received_per_day(_WEEK)),
    Domain(lazy_gettext("E-invoices"), "admin.einvoices.index", _my_einvoices),
)
#: A room's box comes onto the overview by one line here.
CARDS = (
    Card("admin/cards/webhooks.html", WEBHOOKS, _webhooks),
    Card("admin/cards/endings.html", SETTINGS, _endings),
    Card("admin/cards/work.html", ADMINISTRATION, _work),
)


@blp.get("")
@requires(SIGNED_IN)
def show() -> str:
    """The overview, as far as the viewer's role may see."""
    known = viewer()
    if known is None:
        raise Unauthenticated
    cards = ((card.template, card.load()) for card in CARDS if known.may(card.ability))
    return render_template(
        "admin/overview.html",
        charts=[(domain, chart_of(domain.count())) for domain in DOMAINS if known.may_open(domain.endpoint)],
        cards=[(template, loaded) for template, loaded in cards if loaded is not None],
        feed=feed.newest() if known.may("events:read") else None,
    )
