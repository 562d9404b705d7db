"""The application, put together in one readable list."""

from __future__ import annotations

from pathlib import Path

from werkzeug.middleware.proxy_fix import ProxyFix

from app import events
from app.accounts import api as accounts
from app.accounts import api_keys, audit, principals, sessions, web_sessions
from app.accounts import tasks as accounts_tasks
from app.accounts.tokens import authenticator
from app.admin import register
from app.config import Settings
from app.einvoices import api as einvoices
from app.einvoices import invoice_sources
from app.einvoices import tasks as einvoices_tasks
from app.events import tasks as events_tasks
from app.extensions import bus, db, jwt, limiter, migrate
from app.grn import tasks as grn_tasks
from app.grn.api import items as grn_items
from app.grn.api import masters as grn_masters
from app.grn.api import papers as grn_papers
from app.grn.api import receipts as grn
from app.kernel import json, logs
from app.kernel.http import error_handlers, rate_limit_headers
from app.kernel.http.app import Hub
from app.kernel.http.openapi import HubApi
from app.kernel.worker import celery_app
from app.local import seed
from app.operations import api_docs, health, tracing
from app.operations import tasks as operations_tasks
from app.operations.cli import accounts as account_cli
from app.operations.cli import einvoices as einvoice_cli
from app.operations.cli import hub as hub_cli
from app.operations.cli import tokens as token_cli
from app.operations.cli import webhooks as webhooks_cli
from app.operations.monitoring import metrics_endpoint, request_metrics, worker_signals
from app.sales import cli as sales_commands
from app.sales.api import bulk as sales_bulk
from app.sales.api import floor as sales_floor
from app.sales.api import invoices as sales
from app.sales.api import masters as sales_masters
from app.sales.queries import einvoice_source
from app.stream import api as stream
from app.stream import broadcaster, publisher
from app.stream import tasks as stream_tasks
from app.webhooks import tasks as webhooks_tasks
from app.webhooks.api import deliveries as webhook_deliveries
from app.webhooks.api import endpoints as webhooks
from app.webhooks.deliveries import fan_out as webhook_listener

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
    celery_app.configure(app, settings)


def _open_rooms(app: Hub) -> None:
    """Every listener, credential, room and page in its order; what is not named here does not exist."""
    logs.register(app)
    request_metrics.register(app)
    error_handlers.register(app)
    rate_limit_headers.register(app)
    audit.recorder.init_app(app)
    broadcaster.broadcaster.init_app(app)

    events.subscribe(publisher.publish_batch)
    events.subscribe(webhook_listener.create_deliveries)
    principals.authenticators[:] = [
        web_sessions.page_authenticator,
        authenticator.authenticator,
        sessions.authenticator,
        api_keys.authenticator,
        stream.ticket_authenticator,
        web_sessions.stream_authenticator,
    ]

    # Rooms on one floor do not know each other: this is where they are introduced.
    invoice_sources.SOURCES["sales"] = einvoice_source.billable_invoice

    api = HubApi(app)
    sales_rooms = (sales.blp, sales_floor.blp, sales_bulk.blp, sales_masters.blp)
    goods_receipts = (grn.blp, grn_items.blp, grn_papers.blp, *grn_masters.SURFACES)
    streams = (stream.sales, stream.log)
    others = (einvoices.blp, webhooks.blp, webhook_deliveries.blp, *streams, health.blp, metrics_endpoint.blp)
    for surface in (accounts.blp, *sales_rooms, *goods_receipts, *others):
        api.register_blueprint(surface)
    api_docs.register(app, api)
    worker_signals.register(app)
    register.register(app)
    account_cli.register(app)
    token_cli.register(app)
    einvoice_cli.register(app)
    webhooks_cli.register(app)
    hub_cli.register(app)
    sales_commands.register(app)
    seed.register(app)


#: Celery finds tasks by import.
TASKS = (accounts_tasks, einvoices_tasks, events_tasks, grn_tasks, operations_tasks, stream_tasks, webhooks_tasks)
