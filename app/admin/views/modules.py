"""``/admin/modules``: what a user has for a year, turned on, renewed and ended; and the banner before an end."""

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
from app.admin.helpers import done, not_done
from app.admin.i18n.labels import day
from app.admin.list_query import parse_filters
from app.admin.viewer import viewer
from app.kernel import clock

log = structlog.get_logger(__name__)

blp = Blueprint("licences", __name__, url_prefix="/modules")

NAMES = {
    "feature.einvoice_api": lazy_gettext("E-invoice API"),
    "feature.einvoice_webhooks": lazy_gettext("Webhooks"),
}
STATES = {
    "off": (lazy_gettext("Off"), "plain"),
    "planned": (lazy_gettext("Planned"), "busy"),
    "on": (lazy_gettext("On"), "good"),
    "over": (lazy_gettext("Over"), "bad"),
}


class YearsForm(Form):
    years = IntegerField(lazy_gettext("Years"), [InputRequired(), NumberRange(1, modules.MAX_YEARS)], default=1)


class PeriodForm(Form):
    starts = DateField(lazy_gettext("From"), [InputRequired()])
    ends = DateField(lazy_gettext("Until, not included"), [InputRequired()])


@blp.get("")
@requires(SETTINGS)
def show() -> str:
    """The viewer's modules; an administrator sees and changes everybody's."""
    query, today = parse_filters(users.UserQuery()), clock.now()
    found = users.find_page(query.values) if viewer_is_admin() else None
    of_users = module_status.status_of_users([user.id for user in found.results]) if found else {}
    return render_template(
        "admin/modules.html",
        found=found,
        asked=query,
        of_users=of_users,
        mine=module_status.status_of(g.user.id),
        names=NAMES,
        states=STATES,
        explained=modules.MODULES,
        years=YearsForm(formdata=None),
        period=PeriodForm(formdata=None, starts=today.date(), ends=modules.years_after(today, 1).date()),
    )


@blp.post("/<int:user_id>/<module>/renew")
@requires(ADMINISTRATION)
def renew(user_id: int, module: str) -> Response:
    """Turn a module on, or add years to its end."""
    form = YearsForm()
    if not form.validate_on_submit():
        return not_done("admin.licences.show", form)
    grant = modules.enable(users.find(user_id), module, years=form.years.data or 0, actor=actor())
    return done("admin.licences.show", gettext("On until %(day)s.", day=day(grant.ends_at.date())))


@blp.post("/<int:user_id>/<module>/period")
@requires(ADMINISTRATION)
def period(user_id: int, module: str) -> Response:
    """Give a module another start and end."""
    form = PeriodForm()
    if not form.validate_on_submit():
        return not_done("admin.licences.show", form)
    starts_at, ends_at = (datetime.combine(field.data or date.max, time(), UTC) for field in (form.starts, form.ends))
    modules.set_period(users.find(user_id), module, starts_at=starts_at, ends_at=ends_at, actor=actor())
    return done("admin.licences.show", gettext("Saved."))


@blp.post("/<int:user_id>/<module>/end")
@requires(ADMINISTRATION)
def end(user_id: int, module: str) -> Response:
    """Turn a module off at once."""
    modules.disable(users.find(user_id), module, actor=actor())
    return done("admin.licences.show", gettext("It is off."))


def banners() -> list[tuple[str, str]]:
    """What the top of a page has to say to its viewer about modules that end: texts and their kinds."""
    known = viewer()
    if known is None or not known.may(SETTINGS) or known.principal.user_id is None:
        return []
    try:
        due = module_status.warnings(known.principal.user_id)
    except SQLAlchemyError as error:  # the page that tells that the database is away has this top too
        log.warning("banners_unknown", error_kind=type(error).__name__)
        return []
    return [_banner(licence) for licence in due]


def viewer_is_admin() -> bool:
    return authenticate().sees_everything


def _banner(licence: module_status.ModuleStatus) -> tuple[str, str]:
    name = str(NAMES[licence.module])
    if not licence.days_left:
        return gettext("%(name)s has ended. Ask an administrator to renew it.", name=name), "error"
    text = ngettext("%(name)s ends in %(num)s day.", "%(name)s ends in %(num)s days.", licence.days_left, name=name)
    return text, "error" if licence.warning == 1 else "warn"
