"""The application, put together in one readable list."""

from __future__ import annotations

from pathlib import Path

from werkzeug.middleware.proxy_fix import ProxyFix

from app import events
from app.accounts import api_keys, audit, principals, sessions, token_principals, web_sessions
from app.accounts import resources as accounts
from app.accounts import tasks as accounts_tasks
from app.admin import site
from app.config import Settings
from app.einvoices import resources as einvoices
from app.einvoices import sources
from app.einvoices import tasks as einvoices_tasks
from app.events import tasks as events_tasks
from app.extensions import bus, db, jwt, limiter, migrate
from app.grn import item_resources as grn_items
from app.grn import master_resources as grn_masters
from app.grn import paper_resources as grn_papers
from app.grn import resources as grn
from app.grn import tasks as grn_tasks
from app.kernel import json, logs, rating, refusing, tasks
from app.kernel.openapi import HubApi
from app.kernel.web import Hub
from app.local import bootstrap
from app.operations import (
    commands,
    einvoice_commands,
    health,
    hub_commands,
    metrics,
    metrics_resources,
    reference,
    token_commands,
    tracing,
    watching,
    webhook_commands,
)
from app.operations import tasks as operations_tasks
from app.sales import billable
from app.sales import bulk_resources as sales_bulk
from app.sales import commands as sales_commands
from app.sales import floor_resources as sales_floor
from app.sales import master_resources as sales_masters
from app.sales import resources as sales
from app.stream import hub, listener
from app.stream import resources as stream
from app.stream import tasks as stream_tasks
from app.webhooks import delivery_resources as webhook_deliveries
from app.webhooks import listener as webhook_listener
from app.webhooks import resources as webhooks
from app.webhooks import tasks as webhooks_tasks

VERSION = "0.1.0"
#: Wherever the hub or one of its commands is called from.
MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"

DESCRIPTION = """\
The self-hosted service through which a company's invoices come in, are worked on and go out.

Amounts are exact decimals; unknown fields are refused by name; a trailing slash is optional everywhere.
`X-Request-Id` is echoed on every answer, and `Idempotency-Key` makes a creating POST safe to repeat.
"""


def build(settings: Settings | None) -> Hub:
    """Make the application; for ``create_app``, which says more."""
    settings = settings or Settings.from_environment()
    logs.configure(level=settings.log_level, readable=not settings.is_production)
    app = Hub("app", static_folder=None)
    app.config.from_mapping(settings.flask())
    app.config.from_mapping(
        API_TITLE="Invoice Hub",
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={"info": {"description": DESCRIPTION}},
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    _bind_extensions(app, settings)
    _open_rooms(app)
    tracing.register(app, settings)
    return app


def _bind_extensions(app: Hub, settings: Settings) -> None:
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] |= {
        "json_serializer": json.encode_text,
        "json_deserializer": json.decode,
    }
    db.init_app(app)
    migrate.init_app(app, db, directory=str(MIGRATIONS))
    jwt.init_app(app)
    limiter.init_app(app)
    # What has a limit counts by itself; asking for every other request too would cost each a twentieth of its time.
    app.before_request_funcs[None].remove(limiter._check_request_limit)
    bus.init_app(settings.redis_url)
    tasks.configure(app, settings)


def _open_rooms(app: Hub) -> None:
    """Every listener, credential, room and page in its order; what is not named here does not exist."""
    logs.register(app)
    metrics.register(app)
    refusing.register(app)
    rating.register(app)
    audit.recorder.init_app(app)
    hub.hub.init_app(app)

    events.subscribe(listener.broadcast)
    events.subscribe(webhook_listener.deliver)
    principals.authenticators[:] = [
        web_sessions.page_authenticator,
        token_principals.authenticator,
        sessions.authenticator,
        api_keys.authenticator,
        stream.ticket_authenticator,
        web_sessions.stream_authenticator,
    ]

    # Rooms on one floor do not know each other: this is where they are introduced.
    sources.readers["sales"] = billable.billable

    api = HubApi(app)
    sales_rooms = (sales.blp, sales_floor.blp, sales_bulk.blp, sales_masters.blp)
    goods_receipts = (grn.blp, grn_items.blp, grn_papers.blp, *grn_masters.SURFACES)
    streams = (stream.sales, stream.log)
    others = (einvoices.blp, webhooks.blp, webhook_deliveries.blp, *streams, health.blp, metrics_resources.blp)
    for surface in (accounts.blp, *sales_rooms, *goods_receipts, *others):
        api.register_blueprint(surface)
    reference.register(app, api)
    watching.register(app)
    site.register(app)
    commands.register(app)
    token_commands.register(app)
    einvoice_commands.register(app)
    webhook_commands.register(app)
    hub_commands.register(app)
    sales_commands.register(app)
    bootstrap.register(app)


#: Celery finds tasks by import.
TASKS = (accounts_tasks, einvoices_tasks, events_tasks, grn_tasks, operations_tasks, stream_tasks, webhooks_tasks)
