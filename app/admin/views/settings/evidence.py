"""``/admin/settings/evidence``: the package of a month, and the daily roots."""

from __future__ import annotations

from datetime import UTC, date, timedelta

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.ownership import actor, chosen_owner, scope
from app.admin.list_query import parse_filters
from app.einvoices.access import requires_einvoices
from app.einvoices.evidence.owners import list_owners
from app.einvoices.exports.api import answer_package
from app.einvoices.schemas.evidence import PackageQuery, RootQuery
from app.evidence import roots
from app.kernel import clock

blp = Blueprint("evidence", __name__, url_prefix="/settings/evidence")
#: Roots and months that the page shows; the API has all.
SHOWN_ROOTS, SHOWN_MONTHS = 31, 24


@blp.get("")
@requires("evidence:read")
def index() -> str:
    """The months, and the newest roots of the viewer; an administrator chooses another owner."""
    filters = parse_filters(RootQuery())
    owner = chosen_owner(filters.values["owner_id"])
    return render_template(
        "admin/evidence_show.html",
        owner=owner,
        owners=list_owners() if scope() is None else [],
        roots=roots.newest_roots(owner, SHOWN_ROOTS),
        months=_months(clock.now().astimezone(UTC).date()),
        filters=filters,
    )


@blp.get("/package")
@requires_einvoices("evidence:read")
def package() -> Response:
    """Download the package of a month."""
    values = parse_filters(PackageQuery()).values
    return answer_package(chosen_owner(values["owner_id"]), values["period"], actor())


def _months(today: date) -> list[str]:
    """The newest months, the present one first."""
    months = [today.replace(day=1)]
    while len(months) < SHOWN_MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return [f"{month:%Y-%m}" for month in months]
