"""Webhook endpoints: made, changed, tested, checked, switched on and off, and brought up to date after an outage."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.ownership import actor, owner_id, scope
from app.admin.forms.base import accepted
from app.admin.forms.webhook import EVENTS, EndpointForm
from app.admin.helpers import loaded
from app.admin.list_query import link, parse_filters
from app.webhooks.access import may_allow, requires_webhooks
from app.webhooks.deliveries import queries, replay
from app.webhooks.endpoints import receiver_check
from app.webhooks.endpoints import service as endpoints_service
from app.webhooks.schemas.deliveries import RecoverySchema
from app.webhooks.schemas.endpoints import (
    EndpointChangeSchema,
    EndpointDraftSchema,
    EndpointQuery,
    EndpointReasonSchema,
    RotationSchema,
)
from app.webhooks.sender import circuit_breaker

_SEE_OTHER = 303
_RECENT = 10
blp = Blueprint("webhooks", __name__, url_prefix="/settings/webhooks")


@blp.get("")
@requires_webhooks
def index() -> str:
    """All endpoints, newest first."""
    question = parse_filters(EndpointQuery())
    page = endpoints_service.find_page(question.values, scope())
    endpoints = page["data"]
    following = page["meta"]["next_cursor"]
    return render_template(
        "admin/webhooks_list.html",
        endpoints=endpoints,
        open=endpoints_service.count_open_deliveries([endpoint.id for endpoint in endpoints]),
        following=link(cursor=str(following)) if following else None,
        asked=question,
    )


@blp.get("/new")
@requires_webhooks
def new() -> str:
    """The form of a new endpoint."""
    return _form(EndpointForm(formdata=None), None)


@blp.post("/new")
@requires_webhooks
def create() -> str:
    """Make an endpoint, and show its secret this one time."""
    form = EndpointForm()
    if form.validate_on_submit() and (issued := accepted(form, lambda: _created(form))):
        return render_template("admin/webhooks_secret.html", issued=issued, is_new=True)
    return _form(form, None)


@blp.get("/<int:endpoint_id>/change")
@requires_webhooks
def change_form(endpoint_id: int) -> str:
    """The form of an endpoint that is there."""
    endpoint = endpoints_service.find(endpoint_id, scope())
    return _form(EndpointForm.of(endpoint), endpoint_id)


@blp.post("/<int:endpoint_id>/change")
@requires_webhooks
def change(endpoint_id: int) -> str | Response:
    """Change an endpoint."""
    form = EndpointForm()
    if form.validate_on_submit() and accepted(form, lambda: _changed(form, endpoint_id)):
        flash(gettext("Saved."), "good")
        return _to(endpoint_id)
    return _form(form, endpoint_id)


@blp.get("/<int:endpoint_id>")
@requires_webhooks
def show(endpoint_id: int) -> str:
    """One endpoint: how it stands, what is missing at it, its last check, what it was told lately."""
    endpoint = endpoints_service.find(endpoint_id, scope())
    recent = queries.find_page({"endpoint_id": endpoint_id, "per_page": _RECENT}, scope())
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
    """Send a test."""
    endpoints_service.send_test(endpoint_id, scope())
    flash(gettext("A test is on its way; it shows among the deliveries."), "good")
    return _to(endpoint_id)


@blp.post("/<int:endpoint_id>/check")
@requires_webhooks
def check(endpoint_id: int) -> Response:
    """Have the receiver checked."""
    receiver_check.request_check(endpoint_id, scope())
    flash(gettext("The receiver is being checked; that takes up to half a minute."), "good")
    return _to(endpoint_id)


@blp.post("/<int:endpoint_id>/enable")
@requires_webhooks
def enable(endpoint_id: int) -> Response:
    """Switch on."""
    circuit_breaker.enable(endpoints_service.find_for_update(endpoint_id, scope()), actor=actor())
    flash(gettext("Switched on."), "good")
    return _to(endpoint_id)


@blp.post("/<int:endpoint_id>/disable")
@requires_webhooks
def disable(endpoint_id: int) -> Response:
    """Switch off; deliveries wait."""
    reason = loaded(EndpointReasonSchema(), reason=request.form.get("reason", ""))["reason"]
    circuit_breaker.disable(endpoints_service.find_for_update(endpoint_id, scope()), reason, actor=actor())
    flash(gettext("Switched off. What happens meanwhile waits."), "good")
    return _to(endpoint_id)


@blp.post("/<int:endpoint_id>/rotate")
@requires_webhooks
def rotate(endpoint_id: int) -> str:
    """Give it a new secret, shown this one time."""
    data = loaded(RotationSchema(), grace_hours=request.form.get("grace_hours", ""))
    issued = endpoints_service.rotate(endpoint_id, data["grace_hours"], scope(), actor=actor())
    return render_template("admin/webhooks_secret.html", issued=issued, is_new=False)


@blp.post("/<int:endpoint_id>/recover")
@requires_webhooks
def recover(endpoint_id: int) -> Response:
    """Send all that failed since a moment again."""
    wanted = loaded(
        RecoverySchema(), since=request.form.get("since", ""), per_minute=request.form.get("per_minute", "")
    )
    recovered = replay.recover_since(endpoint_id, wanted, scope(), actor=actor())
    flash(gettext("%(count)s deliveries will be sent again, oldest first.", count=recovered["count"]), "good")
    return _to(endpoint_id)


@blp.post("/<int:endpoint_id>/delete")
@requires_webhooks
def remove(endpoint_id: int) -> Response:
    """Delete an endpoint; its deliveries can still be read."""
    endpoints_service.remove(endpoint_id, scope(), actor=actor())
    flash(gettext("The endpoint is deleted."), "good")
    return redirect(url_for("admin.webhooks.index"), _SEE_OTHER)


def _created(form: EndpointForm) -> endpoints_service.EndpointWithSecret:
    data = loaded(EndpointDraftSchema(), **form.said(may_allow=may_allow()))
    return endpoints_service.create(data, owner_id(), actor=actor(), may_allow=may_allow())


def _changed(form: EndpointForm, endpoint_id: int) -> Any:
    data = loaded(EndpointChangeSchema(), **form.said(may_allow=may_allow()))
    return endpoints_service.change(endpoint_id, data, scope(), actor=actor(), may_allow=may_allow())


def _form(form: EndpointForm, endpoint_id: int | None) -> str:
    return render_template(
        "admin/webhooks_form.html", form=form, endpoint_id=endpoint_id, may_allow=may_allow(), groups=EVENTS
    )


def _to(endpoint_id: int) -> Response:
    return redirect(url_for("admin.webhooks.show", endpoint_id=endpoint_id), _SEE_OTHER)
