"""``/admin/modules``: modules of users with their periods, and the banner of a module that ends soon."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

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
from app.admin.list_query import parse_filters
from app.admin.viewer import viewer
from app.kernel import clock

log = structlog.get_logger(__name__)

blp = Blueprint("modules", __name__, url_prefix="/modules")

MODULE_NAMES = {
    "feature.einvoice_api": lazy_gettext("E-invoice API"),
    "feature.einvoice_webhooks": lazy_gettext("Webhooks"),
}
STATE_LABELS = {
    "off": (lazy_gettext("Off"), "plain"),
    "planned": (lazy_gettext("Planned"), "busy"),
    "on": (lazy_gettext("On"), "good"),
    "over": (lazy_gettext("Expired"), "bad"),
}


class YearsForm(Form):
    years = IntegerField(lazy_gettext("Years"), [InputRequired(), NumberRange(1, modules.MAX_YEARS)], default=1)


class PeriodForm(Form):
    starts = DateField(lazy_gettext("From"), [InputRequired()])
    ends = DateField(lazy_gettext("Until (excluded)"), [InputRequired()])


@blp.get("")
@requires(SETTINGS)
def show() -> str:
    """Modules of the viewer; an administrator sees and changes the modules of all users."""
    filters, today = parse_filters(users.UserQuery()), clock.now()
    found = users.find_page(filters.values) if viewer_is_admin() else None
    by_user = module_status.status_of_users([user.id for user in found.results]) if found else {}
    return render_template(
        "admin/modules_show.html",
        found=found,
        filters=filters,
        by_user=by_user,
        own=module_status.status_of(g.user.id),
        names=MODULE_NAMES,
        state_labels=STATE_LABELS,
        descriptions=modules.MODULES,
        years=YearsForm(formdata=None),
        period=PeriodForm(formdata=None, starts=today.date(), ends=modules.years_after(today, 1).date()),
    )


@blp.post("/<int:user_id>/<module>/renew")
@requires(ADMINISTRATION)
def renew(user_id: int, module: str) -> Response:
    """Turn a module on, or extend it by years."""
    form = YearsForm()
    if not form.validate_on_submit():
        return redirect_with_errors(form, "admin.modules.show")
    grant = modules.enable(users.find(user_id), module, years=form.years.data or 0, actor=actor())
    return redirect_with_success(gettext("On until %(day)s.", day=day(grant.ends_at.date())), "admin.modules.show")


@blp.post("/<int:user_id>/<module>/period")
@requires(ADMINISTRATION)
def period(user_id: int, module: str) -> Response:
    """Change start and end of a module."""
    form = PeriodForm()
    if not form.validate_on_submit():
        return redirect_with_errors(form, "admin.modules.show")
    starts_at, ends_at = (datetime.combine(field.data or date.max, time(), UTC) for field in (form.starts, form.ends))
    modules.set_period(users.find(user_id), module, starts_at=starts_at, ends_at=ends_at, actor=actor())
    return redirect_with_success(gettext("Saved."), "admin.modules.show")


@blp.post("/<int:user_id>/<module>/end")
@requires(ADMINISTRATION)
def end(user_id: int, module: str) -> Response:
    """Turn a module off immediately."""
    modules.disable(users.find(user_id), module, actor=actor())
    return redirect_with_success(gettext("The module is turned off."), "admin.modules.show")


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


def viewer_is_admin() -> bool:
    return authenticate().sees_everything


def _banner(status: module_status.ModuleStatus) -> tuple[str, str]:
    name = str(MODULE_NAMES[status.module])
    if not status.days_left:
        return gettext("%(name)s has expired. Ask an administrator to renew it.", name=name), "error"
    text = ngettext(
        "%(name)s expires in %(num)s day.", "%(name)s expires in %(num)s days.", status.days_left, name=name
    )
    return text, "error" if status.warning == 1 else "warn"
