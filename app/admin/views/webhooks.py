"""``/admin/settings/webhooks``: webhook endpoints, their test, receiver check, secrets and recovery after failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from app.accounts.ownership import actor, may_allow, owner_id, scope
from app.admin.forms.base import submit
from app.admin.forms.webhook import WILDCARDS, EndpointForm
from app.admin.helpers import load_data, load_form, redirect_with_success
from app.admin.list_query import parse_filters
from app.admin.lists.columns import Details
from app.admin.lists.list_view import show_list
from app.admin.lists.settings_tables import ENDPOINTS
from app.admin.local_times import with_offset
from app.kernel.outbound.url_resolution import resolves
from app.kernel.schemas.fields import Identifier
from app.webhooks.access import requires_webhooks
from app.webhooks.deliveries import queries, replay
from app.webhooks.endpoints import receiver_check
from app.webhooks.endpoints import service as endpoints_service
from app.webhooks.models.endpoints import STATUSES, Endpoint
from app.webhooks.schemas.deliveries import RecoverySchema
from app.webhooks.schemas.endpoints import (
    EndpointChangeSchema,
    EndpointDraftSchema,
    EndpointQuery,
    EndpointReasonSchema,
    RotationSchema,
)
from app.webhooks.sender import circuit_breaker

_MAX_RECENT = 10


class EndpointFilters(EndpointQuery):
    """The filters of the list on the page."""

    search = Identifier(100)


blp = Blueprint("webhooks", __name__, url_prefix="/settings/webhooks")


@blp.get("")
@requires_webhooks
def index() -> str | Response:
    """All endpoints, newest first."""
    filters = parse_filters(EndpointFilters(exclude=("per_page", "cursor")))
    source = endpoints_service.source(filters.values, scope())
    return show_list(
        "admin/webhooks_list.html", ENDPOINTS, source, filters, details=_open_deliveries, statuses=STATUSES
    )


def _open_deliveries(rows: Sequence[Endpoint]) -> Details:
    return {"open_deliveries": endpoints_service.count_open_deliveries([endpoint.id for endpoint in rows])}


@blp.get("/new")
@requires_webhooks
def new() -> str:
    """Form of a new endpoint."""
    return _render_form(EndpointForm(formdata=None), None)


@blp.post("/new")
@requires_webhooks
@resolves("url")
def create() -> str:
    """Create an endpoint; only this response shows its secret."""
    form = EndpointForm()
    if form.validate_on_submit() and (created := submit(form, lambda: _create(form))):
        return render_template("admin/webhooks_secret.html", issued=created, is_new=True)
    return _render_form(form, None)


@blp.get("/<int:endpoint_id>/change")
@requires_webhooks
def change_form(endpoint_id: int) -> str:
    """Form of an existing endpoint."""
    endpoint = endpoints_service.find(endpoint_id, scope())
    return _render_form(EndpointForm.from_endpoint(endpoint), endpoint_id)


@blp.post("/<int:endpoint_id>/change")
@requires_webhooks
@resolves("url")
def change(endpoint_id: int) -> str | Response:
    """Store the changes of an endpoint."""
    form = EndpointForm()
    if form.validate_on_submit() and submit(form, lambda: _change(form, endpoint_id)):
        return _redirect(gettext("Saved."), endpoint_id)
    return _render_form(form, endpoint_id)


@blp.get("/<int:endpoint_id>")
@requires_webhooks
def show(endpoint_id: int) -> str:
    """One endpoint with its status, missing deliveries, latest check and recent deliveries."""
    endpoint = endpoints_service.find(endpoint_id, scope())
    recent = queries.find_page({"endpoint_id": endpoint_id, "per_page": _MAX_RECENT}, scope())
    return render_template(
        "admin/webhooks_show.html",
        endpoint=endpoint,
        report=replay.reconcile(endpoint_id, scope()),
        failed_since=replay.oldest_failure(endpoint_id),
        check=receiver_check.latest_check(endpoint_id),
        deliveries=recent["data"],
    )


@blp.post("/<int:endpoint_id>/test")
@requires_webhooks
def test(endpoint_id: int) -> Response:
    """Send a test event."""
    endpoints_service.send_test(endpoint_id, scope())
    return _redirect(gettext("A test event is being sent. See the deliveries for its result."), endpoint_id)


@blp.post("/<int:endpoint_id>/check")
@requires_webhooks
def check(endpoint_id: int) -> Response:
    """Start a check of the receiver."""
    receiver_check.request_check(endpoint_id, scope())
    return _redirect(gettext("The receiver is being checked. This takes up to 30 seconds."), endpoint_id)


@blp.post("/<int:endpoint_id>/enable")
@requires_webhooks
def enable(endpoint_id: int) -> Response:
    """Enable an endpoint."""
    circuit_breaker.enable(endpoints_service.find_for_update(endpoint_id, scope()), actor=actor())
    return _redirect(gettext("Endpoint enabled."), endpoint_id)


@blp.post("/<int:endpoint_id>/disable")
@requires_webhooks
def disable(endpoint_id: int) -> Response:
    """Disable an endpoint; its deliveries wait."""
    reason = load_form(EndpointReasonSchema(), "reason")["reason"]
    circuit_breaker.disable(endpoints_service.find_for_update(endpoint_id, scope()), reason, actor=actor())
    return _redirect(gettext("Endpoint disabled. New deliveries wait."), endpoint_id)


@blp.post("/<int:endpoint_id>/rotate")
@requires_webhooks
def rotate(endpoint_id: int) -> str:
    """Create a new secret; only this response shows it."""
    data = load_form(RotationSchema(), "grace_hours")
    rotated = endpoints_service.rotate(endpoint_id, data["grace_hours"], scope(), actor=actor())
    return render_template("admin/webhooks_secret.html", issued=rotated, is_new=False)


@blp.post("/<int:endpoint_id>/recover")
@requires_webhooks
def recover(endpoint_id: int) -> Response:
    """Send again all deliveries that failed since a given time."""
    data = load_form(RecoverySchema(), "per_minute", since=with_offset(request.form.get("since", "")))
    recovered = replay.recover_since(endpoint_id, data, scope(), actor=actor())
    message = ngettext(
        "%(num)s delivery will be sent again.",
        "%(num)s deliveries will be sent again, oldest first.",
        recovered["count"],
    )
    return _redirect(message, endpoint_id)


@blp.post("/<int:endpoint_id>/delete")
@requires_webhooks
def delete(endpoint_id: int) -> Response:
    """Delete an endpoint; its deliveries stay readable."""
    endpoints_service.remove(endpoint_id, scope(), actor=actor())
    return redirect_with_success(gettext("Endpoint deleted."), "admin.webhooks.index")


def _create(form: EndpointForm) -> endpoints_service.EndpointWithSecret:
    data = load_data(EndpointDraftSchema(), form.api_data(may_allow=may_allow()))
    return endpoints_service.create(data, owner_id(), actor=actor(), may_allow=may_allow())


def _change(form: EndpointForm, endpoint_id: int) -> Any:
    data = load_data(EndpointChangeSchema(), form.api_data(may_allow=may_allow()))
    return endpoints_service.change(endpoint_id, data, scope(), actor=actor(), may_allow=may_allow())


def _render_form(form: EndpointForm, endpoint_id: int | None) -> str:
    return render_template(
        "admin/webhooks_form.html", form=form, endpoint_id=endpoint_id, may_allow=may_allow(), wildcards=WILDCARDS
    )


def _redirect(message: str, endpoint_id: int) -> Response:
    return redirect_with_success(message, "admin.webhooks.show", endpoint_id=endpoint_id)
