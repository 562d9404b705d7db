"""The application factory: ``create_app()`` binds the extensions and registers every package."""

from __future__ import annotations

from werkzeug.middleware.proxy_fix import ProxyFix

from app import events
from app.accounts import audit, guards, principals
from app.accounts import register as accounts
from app.admin import register as admin
from app.config import Settings
from app.einvoices import invoice_sources
from app.einvoices import register as einvoices
from app.einvoices.evidence import chain_records, late_records
from app.events import register as event_log
from app.evidence import chain
from app.evidence import register as evidence
from app.extensions import bus, db, jwt, limiter
from app.grn import register as grn
from app.kernel import json, logs
from app.kernel.database import connection_pool, lost_connections, pooler, replica, schema_migrations
from app.kernel.http import error_handlers, rate_limit_headers, rate_limit_storage, security_headers
from app.kernel.http.app import Hub
from app.kernel.http.bodies import body_reader
from app.kernel.http.client_address import CanonicalRemoteAddress
from app.kernel.http.openapi import HubApi
from app.kernel.worker import celery_app
from app.local import register as local
from app.operations import api_docs, tracing
from app.operations import register as operations
from app.operations.monitoring import request_metrics, worker_signals
from app.provider_simulator import register as provider_simulator
from app.sales import register as sales
from app.sales.queries import einvoice_source
from app.stream import broadcaster
from app.stream import register as stream
from app.webhooks import register as webhooks

VERSION = "0.1.0"

DESCRIPTION = """\
The self-hosted service through which a company's invoices come in, are worked on and go out.

Amounts are exact decimals; unknown fields are refused by name; a trailing slash is optional everywhere.
`X-Request-Id` is echoed on every answer, and `Idempotency-Key` makes a creating POST safe to repeat.
"""

#: Each has ``BLUEPRINTS``, ``COMMANDS`` and ``TASKS``. The order is that of the API reference.
PACKAGES = (
    event_log,
    accounts,
    evidence,
    sales,
    grn,
    einvoices,
    webhooks,
    stream,
    operations,
    local,
    provider_simulator,
)
#: Modules with Celery tasks; Celery knows a task once its module is imported.
TASKS = tuple(module for package in PACKAGES for module in package.TASKS)


def create_app(settings: Settings | None = None) -> Hub:
    """Make the application.

    Args:
        settings: read from the environment when none are given.

    Raises:
        ConfigurationError: settings are missing or invalid; one line for each fault.
    """
    settings = settings or Settings.from_environment()
    logs.configure(level=settings.log_level, readable=not settings.is_production)
    app = Hub("app", static_folder=None)
    app.config.from_mapping(settings.flask())
    app.config.from_mapping(
        API_TITLE="Invoice Hub",
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION, "contact": {"name": "The administrator of this hub"}},
            "servers": [{"url": "/", "description": "This hub"}],
        },
    )
    hops = settings.trusted_proxies
    app.wsgi_app = CanonicalRemoteAddress(app.wsgi_app, hops)  # type: ignore[method-assign]
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    _bind_extensions(app, settings)
    _register_request_hooks(app)
    _connect_packages()
    _register_packages(app)
    tracing.register(app, settings)
    return app


def _bind_extensions(app: Hub, settings: Settings) -> None:
    for options in (app.config["SQLALCHEMY_ENGINE_OPTIONS"], *app.config["SQLALCHEMY_BINDS"].values()):
        options |= {
            "poolclass": connection_pool.ClosingPool,
            "json_serializer": json.encode_text,
            "json_deserializer": json.decode,
        }
    app.config["RATELIMIT_STORAGE_URI"] = rate_limit_storage.storage_uri(settings.redis_url)
    db.init_app(app)
    with app.app_context():
        pooler.register(db.engine)
        lost_connections.register(db.engine)
    replica.register(app)
    schema_migrations.register(app, db)
    jwt.init_app(app)
    limiter.init_app(app)
    # Views with a limit check it themselves; the check before every request would cost 5 % of each.
    app.before_request_funcs[None].remove(limiter._check_request_limit)
    bus.init_app(settings.redis_url)
    celery_app.configure(app, settings)


def _register_request_hooks(app: Hub) -> None:
    logs.register(app)
    body_reader.register(app)
    request_metrics.register(app)
    error_handlers.register(app)
    rate_limit_headers.register(app)
    security_headers.register(app)
    audit.recorder.init_app(app)
    broadcaster.broadcaster.init_app(app)


def _connect_packages() -> None:
    """Connect packages that must not import each other."""
    for subscriber in (*stream.SUBSCRIBERS, *webhooks.SUBSCRIBERS):
        events.subscribe(subscriber)
    body_reader.caller_checks[:] = [guards.require_caller]
    principals.authenticators[:] = [*accounts.AUTHENTICATORS, *stream.AUTHENTICATORS]
    replica.caller_name = principals.caller_name
    chain.domain.state_before = chain_records.state_before
    chain.domain.append_missing = late_records.append_missing
    invoice_sources.SOURCES["sales"] = invoice_sources.InvoiceSource(
        einvoice_source.billable_invoice,
        einvoice_source.lock,
        einvoice_source.is_in_review,
        einvoice_source.was_corrected,
    )


def _register_packages(app: Hub) -> None:
    api = HubApi(app)
    for package in PACKAGES:
        for blueprint in package.BLUEPRINTS:
            api.register_blueprint(blueprint)
        for group in package.COMMANDS:
            app.cli.add_command(group)
    api_docs.register(app, api)
    worker_signals.register(app)
    admin.register(app)
