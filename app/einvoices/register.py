"""Blueprints, commands and tasks of e-invoices, for ``app/factory.py``."""

from __future__ import annotations

from app.einvoices import api, seller_api, tasks
from app.einvoices.documents import api as _documents_api  # noqa: F401 - its routes are those of ``api.blp``
from app.einvoices.evidence import api as evidence_api
from app.einvoices.exports import api as exports_api
from app.einvoices.legal import api as legal
from app.einvoices.links import api as links
from app.einvoices.pdf import api as _preview_api  # noqa: F401 - its routes are those of ``api.blp``
from app.einvoices.provider_accounts import api as accounts_api

BLUEPRINTS = (
    api.blp,
    seller_api.blp,
    legal.blp,
    links.public_blp,
    accounts_api.blp,
    evidence_api.roots_blp,
    exports_api.blp,
)
COMMANDS = ()
TASKS = (tasks,)
