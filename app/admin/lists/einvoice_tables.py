"""List of e-invoices: its columns, its filters, and the steps with chosen rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext, lazy_gettext

from app.accounts.ownership import Scope, scope
from app.admin.lists.bulk_steps import MAX_CHOSEN
from app.admin.lists.columns import Column, Details, ListTable, define, field
from app.admin.lists.list_view import Step
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.queries import work_list
from app.einvoices.queries.problems import shown_status
from app.einvoices.schemas.lists import ListQuery
from app.kernel.database.sequences import MAX_ID
from app.kernel.schemas.fields import Number

_OWNER = Column("owner", lazy_gettext("Owner"), lambda row, more: more["owners"][row.owner_id], "text")
_COLUMNS = (
    Column("number", lazy_gettext("Number"), field("invoice_no"), always=True),
    Column("issued", lazy_gettext("Issue date"), field("issued_on")),
    Column("buyer", lazy_gettext("Buyer"), field("buyer_name"), "text"),
    _OWNER,
    Column("type", lazy_gettext("Type"), field("type")),
    Column("status", lazy_gettext("Status"), lambda row, _: shown_status(row).rpartition(".")[2]),
    Column("provider", lazy_gettext("Provider"), field("provider_status"), "text"),
    Column("order", lazy_gettext("Order"), field("marketplace_order_no"), "text", hidden=True),
    Column("marketplace", lazy_gettext("Marketplace"), field("marketplace"), "text", hidden=True),
    Column("created", lazy_gettext("Created"), field("created_at"), sort="-created", hidden=True),
    Column("changed", lazy_gettext("Changed"), field("updated_at"), sort="-changed", hidden=True),
    Column("total", lazy_gettext("Total"), field("grand_total"), "number"),
    Column("currency", lazy_gettext("Currency"), field("currency"), hidden=True),
)
EINVOICES = define("einvoices", lazy_gettext("E-invoices"), _COLUMNS)
#: For users who see their own e-invoices only.
_OWN = ListTable(EINVOICES.name, EINVOICES.title, tuple(column for column in _COLUMNS if column is not _OWNER))


class EinvoiceFilters(ListQuery):
    """The filters of the list on the page."""

    owner_id = Number(1, MAX_ID)


def filter_schema() -> EinvoiceFilters:
    """The filters without the paging of the API."""
    return EinvoiceFilters(exclude=("per_page", "page", "cursor"))


def table() -> ListTable:
    """The list for the viewer: an administrator sees the owners."""
    return EINVOICES if scope() is None else _OWN


def chosen_scope(values: dict[str, Any]) -> Scope:
    """The rows of the viewer, or for an administrator those of the owner in the filters."""
    return values.get("owner_id") if scope() is None else scope()


def details(rows: Sequence[Einvoice]) -> Details:
    """Names of the owners, and what drafts lack."""
    return {"owners": work_list.names_of_owners(rows), "lacking": work_list.missing_among(rows)}


def steps(may_write: bool) -> list[Step]:
    """The steps with chosen e-invoices."""
    limit = gettext("Each one is done by itself: if one is refused, the others go on. At most %(n)s.", n=MAX_CHOSEN)
    download = Step(url_for("admin.einvoice_steps.pdfs"), gettext("Download PDFs"), "download")
    if not may_write:
        return [download]
    issue_explain = gettext("Numbers are given in the order of the drafts. This cannot be undone.")
    send_explain = gettext("They go to their provider accounts.")
    return [
        Step(
            url_for("admin.einvoice_steps.issue"),
            gettext("Issue"),
            "file-check-2",
            gettext("Issue the chosen drafts?"),
            f"{issue_explain} {limit}",
        ),
        Step(
            url_for("admin.einvoice_steps.send"),
            gettext("Send"),
            "upload",
            gettext("Send the chosen e-invoices?"),
            f"{send_explain} {limit}",
        ),
        download,
    ]
