"""Lists of settings and administration: tokens, keys, calls, audit trail, webhooks, accounts, users, modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext

from app.accounts.module_status import ModuleStatus
from app.admin.lists.columns import Column, Details, define, field

TOKENS = define(
    "tokens",
    lazy_gettext("API tokens"),
    (
        Column("name", lazy_gettext("Name"), field("name"), "text", always=True),
        Column("user", lazy_gettext("User"), lambda row, _: row.user.email, "text"),
        Column("permissions", lazy_gettext("Permissions"), field("abilities"), "text"),
        Column("addresses", lazy_gettext("Allowed IP addresses"), field("allowlist"), "text", hidden=True),
        Column("limits", lazy_gettext("Calls per minute"), field("calls_per_minute"), "number", hidden=True),
        Column("status", lazy_gettext("Status"), field("revoked_at")),
        Column("expires", lazy_gettext("Expires"), field("expires_at"), hidden=True),
        Column("created", lazy_gettext("Created"), field("created_at"), sort="-created", hidden=True),
        Column("used", lazy_gettext("Last used"), field("last_used_at")),
        Column("used_from", lazy_gettext("Last used from"), field("last_used_address"), hidden=True),
    ),
    has_buttons=True,
)
KEYS = define(
    "keys",
    lazy_gettext("Import keys"),
    (
        Column("name", lazy_gettext("Name"), field("name"), "text", always=True),
        Column("addresses", lazy_gettext("Allowed IP addresses"), field("allowlist"), "text"),
        Column("status", lazy_gettext("Status"), field("revoked_at")),
        Column("expires", lazy_gettext("Expires"), field("expires_at")),
        Column("created", lazy_gettext("Created"), field("created_at"), sort="-created", hidden=True),
        Column("used", lazy_gettext("Last used"), field("last_used_at")),
        Column("used_from", lazy_gettext("Last used from"), field("last_used_address"), hidden=True),
    ),
    has_buttons=True,
)
CALLS = define(
    "calls",
    lazy_gettext("API calls"),
    (
        Column("when", lazy_gettext("When"), field("created_at"), sort="-created", always=True),
        Column("caller", lazy_gettext("Caller"), field("credential"), "text"),
        Column("method", lazy_gettext("Method"), field("method")),
        Column("path", lazy_gettext("Call"), field("path"), "text"),
        Column("status", lazy_gettext("Status"), field("status")),
        Column("duration", lazy_gettext("ms"), field("milliseconds"), "number"),
        Column("address", lazy_gettext("IP address"), field("address")),
        Column("request", lazy_gettext("Request ID"), field("request_id"), "text", hidden=True),
    ),
)
AUDIT = define(
    "audit",
    lazy_gettext("Audit trail"),
    (
        Column("when", lazy_gettext("When"), field("created_at"), sort="-created", always=True),
        Column("who", lazy_gettext("Who"), field("actor"), "text"),
        Column("action", lazy_gettext("Action"), field("action")),
        Column("subject", lazy_gettext("Object"), field("subject"), "text"),
        Column("details", lazy_gettext("Details"), lambda row, _: str(row.details), "text"),
        Column("address", lazy_gettext("IP address"), field("address"), hidden=True),
        Column("request", lazy_gettext("Request ID"), field("request_id"), "text", hidden=True),
    ),
)
ENDPOINTS = define(
    "endpoints",
    lazy_gettext("Webhooks"),
    (
        Column("endpoint", lazy_gettext("Endpoint"), lambda row, _: row.description or row.url, "text", always=True),
        Column("url", lazy_gettext("Address"), field("url"), "text", hidden=True),
        Column("events", lazy_gettext("Events"), field("events"), "text"),
        Column("status", lazy_gettext("Status"), field("status")),
        Column("created", lazy_gettext("Created"), field("created_at"), sort="-created", hidden=True),
        Column("deliveries", lazy_gettext("Deliveries"), field("last_sequence"), "number"),
        Column(
            "waiting", lazy_gettext("Waiting"), lambda row, more: more["open_deliveries"][row.id]["pending"], "number"
        ),
        Column("failed", lazy_gettext("Failed"), lambda row, more: more["open_deliveries"][row.id]["failed"], "number"),
    ),
)
DELIVERIES = define(
    "deliveries",
    lazy_gettext("Deliveries"),
    (
        Column("event", lazy_gettext("Event"), field("event"), always=True),
        Column("number", lazy_gettext("Number"), lambda row, _: row.reference or f"#{row.subject_id}"),
        Column(
            "endpoint", lazy_gettext("Endpoint"), lambda row, _: row.endpoint.description or row.endpoint.url, "text"
        ),
        Column("status", lazy_gettext("Status"), field("state")),
        Column("attempts", lazy_gettext("Attempts"), field("attempts"), "number"),
        Column("response", lazy_gettext("Response"), lambda row, _: row.response_status or row.error, "text"),
        Column("created", lazy_gettext("Created"), field("created_at"), sort="-created", hidden=True),
        Column("when", lazy_gettext("When"), lambda row, _: row.finished_at or row.created_at),
    ),
)
ACCOUNTS = define(
    "provider_accounts",
    lazy_gettext("Provider accounts"),
    (
        Column("account", lazy_gettext("Account"), field("name"), "text", always=True),
        Column("url", lazy_gettext("Address"), field("url"), "text"),
        Column("adapter", lazy_gettext("Adapter"), field("adapter")),
        Column("mode", lazy_gettext("Mode"), field("mode")),
        Column("state", lazy_gettext("State"), field("state")),
        Column("tested", lazy_gettext("Connection test"), field("tested_at")),
        Column("created", lazy_gettext("Created"), field("created_at"), sort="-created", hidden=True),
    ),
)
USERS = define(
    "users",
    lazy_gettext("Users"),
    (
        Column("name", lazy_gettext("Name"), field("name"), "text", always=True),
        Column("email", lazy_gettext("E-mail address"), field("email"), "text", sort="email"),
        Column("role", lazy_gettext("Role"), field("role")),
        Column("status", lazy_gettext("Status"), field("is_active")),
        Column("created", lazy_gettext("Created"), field("created_at"), sort="-created", hidden=True),
        Column("signed_in", lazy_gettext("Last signed in"), field("last_login_at")),
    ),
    has_buttons=True,
)


def _state(place: int) -> Callable[[Any, Details], str]:
    """The state of a module of a user and its end, for a file."""

    def text(row: Any, more: Details) -> str:
        status: ModuleStatus = more["by_user"][row.id][place]
        return f"{status.state} {status.ends_at:%Y-%m-%d}" if status.ends_at else status.state

    return text


MODULES_OF_USERS = define(
    "modules",
    lazy_gettext("Modules of all users"),
    (
        Column("name", lazy_gettext("Name"), field("name"), "text", always=True),
        Column("email", lazy_gettext("E-mail address"), field("email"), "text", sort="email"),
        Column("einvoice_api", lazy_gettext("E-invoice API"), _state(0)),
        Column("einvoice_webhooks", lazy_gettext("Webhooks"), _state(1)),
        Column("created", lazy_gettext("Created"), field("created_at"), sort="-created", hidden=True),
    ),
)
