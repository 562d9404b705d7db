"""``/admin/modules``: modules of users with their periods, and the banner of a module that ends soon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import structlog
from flask import Blueprint, g, render_template
from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response
from wtforms import DateField, IntegerField
from wtforms.validators import InputRequired, NumberRange

from app.accounts import module_status, modules, users
from app.accounts.guards import ADMINISTRATION, SETTINGS, requires
from app.accounts.ownership import actor
from app.accounts.principals import authenticate
from app.admin.forms.base import Form
from app.admin.helpers import redirect_with_errors, redirect_with_success
from app.admin.i18n.formats import day
from app.admin.i18n.labels import LABELS, label
from app.admin.list_query import parse_filters
from app.admin.lists.list_view import show_list
from app.admin.lists.settings_tables import MODULES_OF_USERS
from app.admin.viewer import viewer
from app.kernel import clock

log = structlog.get_logger(__name__)

blp = Blueprint("modules", __name__, url_prefix="/modules")

STATE_LABELS = {
    "off": (lazy_gettext("Off"), "plain"),
    "planned": (lazy_gettext("Planned"), "busy"),
    "on": (lazy_gettext("On"), "good"),
    "over": (lazy_gettext("Expired"), "bad"),
}
#: What the templates need of each module.
_TEXTS: Mapping[str, Any] = {
    "names": {name: LABELS[name][0] for name in modules.MODULES},
    "state_labels": STATE_LABELS,
    "descriptions": modules.MODULES,
}
#: Page of the modules of a user.
_USER = "admin.modules.show_user"


class YearsForm(Form):
    years = IntegerField(lazy_gettext("Years"), [InputRequired(), NumberRange(1, modules.MAX_YEARS)], default=1)


class PeriodForm(Form):
    starts = DateField(lazy_gettext("From"), [InputRequired()])
    ends = DateField(lazy_gettext("Until (excluded)"), [InputRequired()])


@blp.get("")
@requires(SETTINGS)
def show() -> str | Response:
    """Modules of the viewer; an administrator sees those of all users too."""
    own = module_status.status_of(g.user.id)
    if not authenticate().sees_everything:
        return render_template("admin/modules_show.html", own=own, **_TEXTS)
    filters = parse_filters(users.UserQuery(only=("search",)))
    return show_list(
        "admin/modules_show.html",
        MODULES_OF_USERS,
        users.source(filters.values),
        filters,
        details=lambda rows: {"by_user": module_status.status_of_users([user.id for user in rows])},
        own=own,
        **_TEXTS,
    )


@blp.get("/<int:user_id>")
@requires(ADMINISTRATION)
def show_user(user_id: int) -> str:
    """Modules of a user, with their periods to change."""
    today = clock.now()
    return render_template(
        "admin/modules_user.html",
        user=users.find(user_id),
        statuses=module_status.status_of(user_id),
        years=YearsForm(formdata=None),
        period=PeriodForm(formdata=None, starts=today.date(), ends=modules.years_after(today, 1).date()),
        **_TEXTS,
    )


@blp.post("/<int:user_id>/<module>/renew")
@requires(ADMINISTRATION)
def renew(user_id: int, module: str) -> Response:
    """Turn a module on, or extend it by years."""
    form = YearsForm()
    if not form.validate_on_submit():
        return redirect_with_errors(form, _USER, user_id=user_id)
    grant = modules.enable(users.find(user_id), module, years=form.years.data or 0, actor=actor())
    return redirect_with_success(gettext("On until %(day)s.", day=day(grant.ends_at.date())), _USER, user_id=user_id)


@blp.post("/<int:user_id>/<module>/period")
@requires(ADMINISTRATION)
def period(user_id: int, module: str) -> Response:
    """Change start and end of a module."""
    form = PeriodForm()
    if not form.validate_on_submit():
        return redirect_with_errors(form, _USER, user_id=user_id)
    starts_at, ends_at = (datetime.combine(field.data or date.max, time(), UTC) for field in (form.starts, form.ends))
    modules.set_period(users.find(user_id), module, starts_at=starts_at, ends_at=ends_at, actor=actor())
    return redirect_with_success(gettext("Saved."), _USER, user_id=user_id)


@blp.post("/<int:user_id>/<module>/end")
@requires(ADMINISTRATION)
def end(user_id: int, module: str) -> Response:
    """Turn a module off immediately."""
    modules.disable(users.find(user_id), module, actor=actor())
    return redirect_with_success(gettext("The module is turned off."), _USER, user_id=user_id)


def banners() -> list[tuple[str, str]]:
    """Banners about modules of the viewer that end soon or have ended: text and tone of each."""
    known = viewer()
    if known is None or not known.may(SETTINGS) or known.principal.user_id is None:
        return []
    try:
        due = module_status.warnings(known.principal.user_id)
    except SQLAlchemyError as error:  # the error page of a lost database shows banners too
        log.warning("banners_unavailable", error_kind=type(error).__name__)
        return []
    return [_banner(status) for status in due]


def _banner(status: module_status.ModuleStatus) -> tuple[str, str]:
    name = label(status.module)
    if not status.days_left:
        return gettext("The module %(name)s has expired. Ask an administrator to renew it.", name=name), "error"
    text = ngettext(
        "The module %(name)s expires in %(num)s day.",
        "The module %(name)s expires in %(num)s days.",
        status.days_left,
        name=name,
    )
    return text, "error" if status.warning == 1 else "warn"
