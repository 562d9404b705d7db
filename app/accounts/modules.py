"""Modules of users for a limited time: grants, renewal, and the guard ``@needs_module`` of routes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, String, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts import audit
from app.accounts.models.accounts import User
from app.accounts.principals import authenticate
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Forbidden, Invalid
from app.kernel.http.openapi import refuses
from app.kernel.messages import N_, Message

MODULES: dict[str, str] = {
    "feature.einvoice_api": N_("The e-invoice API, `/api/v1/einvoices`."),
    "feature.einvoice_webhooks": N_("Webhook endpoints and their deliveries."),
}
MAX_YEARS = 10

View = Callable[..., Any]


class ModuleGrant(db.Model):
    """One module of one user from ``starts_at`` (included) to ``ends_at`` (excluded)."""

    __tablename__ = "module_grants"
    __table_args__ = (UniqueConstraint("user_id", "module"), CheckConstraint("ends_at >= starts_at", name="period"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    module: Mapped[str] = mapped_column(String(50), nullable=False)
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


class ModuleNotEnabled(Forbidden):
    message = N_("This module is not enabled for your account.")
    code = "MODULE_NOT_ENABLED"

    def __init__(self, module: str = "feature.einvoice_api") -> None:
        super().__init__(data={"module": module})


def enable(user: User, module: str, *, years: int = 1, actor: str) -> ModuleGrant:
    """Enable a module for ``years``, from now or from the end of the running period.

    Raises:
        Invalid: there is no such module, or ``years`` is out of range.
    """
    _check_module(module)
    if not 1 <= years <= MAX_YEARS:
        raise Invalid({"years": [Message(N_("Use 1 to %(n)s years."), n=MAX_YEARS)]})
    grant, now = _lock_grant(user.id, module), clock.now()
    if grant.ends_at <= now:
        grant.starts_at, grant.ends_at = now, now
    grant.ends_at = years_after(grant.ends_at, years)
    _record("module.enabled", grant, actor)
    return grant


def set_period(user: User, module: str, *, starts_at: datetime, ends_at: datetime, actor: str) -> ModuleGrant:
    """Replace the period of a module.

    Raises:
        Invalid: there is no such module, or the period is empty, negative or too long.
    """
    _check_module(module)
    if not starts_at < ends_at <= years_after(starts_at, MAX_YEARS):
        raise Invalid({"ends_at": [Message(N_("Use an end after the start, at most %(n)s years later."), n=MAX_YEARS)]})
    grant = _lock_grant(user.id, module)
    grant.starts_at, grant.ends_at = starts_at, ends_at
    _record("module.enabled", grant, actor)
    return grant


def disable(user: User, module: str, *, actor: str) -> None:
    """Disable a module at once; a module that is not enabled stays as it is."""
    grant = _find_grant(user.id, module)
    if grant is not None and grant.ends_at > clock.now():
        db.session.delete(grant)
        _record("module.disabled", grant, actor)


def list_grants(user: User) -> list[ModuleGrant]:
    """Grants of a user, running or over, ordered by module."""
    return list(
        db.session.scalars(select(ModuleGrant).where(ModuleGrant.user_id == user.id).order_by(ModuleGrant.module))
    )


def enabled_for(user_id: int) -> frozenset[str]:
    """Modules that are enabled for a user now."""
    now = clock.now()
    running = ModuleGrant.starts_at <= now, ModuleGrant.ends_at > now
    return frozenset(db.session.scalars(select(ModuleGrant.module).where(ModuleGrant.user_id == user_id, *running)))


def is_enabled(user_id: int | None, module: str) -> bool:
    """Whether the module is enabled for the user now; no job is needed to end it."""
    if user_id is None:
        return False
    grant = _find_grant(user_id, module)
    return grant is not None and grant.starts_at <= clock.now() < grant.ends_at


def needs_module(module: str) -> Callable[[View], View]:
    """Allow only callers whose user has ``module``; place it below ``@requires``."""
    if module not in MODULES:
        raise ValueError(f"unknown module {module}")

    def guard(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if not is_enabled(authenticate().user_id, module):
                raise ModuleNotEnabled(module)
            return view(*args, **kwargs)

        marked: Any = refuses(ModuleNotEnabled)(checked)
        marked.module = module
        return marked  # type: ignore[no-any-return]

    return guard


def _check_module(module: str) -> None:
    if module not in MODULES:
        raise Invalid({"module": [Message(N_("Must be one of: %(choices)s."), choices=", ".join(MODULES))]})


def _find_grant(user_id: int, module: str) -> ModuleGrant | None:
    query = select(ModuleGrant).where(ModuleGrant.user_id == user_id, ModuleGrant.module == module)
    found: ModuleGrant | None = db.session.scalar(query)
    return found


def _lock_grant(user_id: int, module: str) -> ModuleGrant:
    """Lock the row of a grant until the commit; a missing row is inserted with a period that is over."""
    now = clock.now()
    over = {"starts_at": now - timedelta(seconds=1), "ends_at": now}
    db.session.execute(insert(ModuleGrant).values(user_id=user_id, module=module, **over).on_conflict_do_nothing())
    query = select(ModuleGrant).where(ModuleGrant.user_id == user_id, ModuleGrant.module == module)
    grant: ModuleGrant = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()
    return grant


def years_after(moment: datetime, years: int) -> datetime:
    """Same date and time ``years`` later; 29 February becomes 28 February when needed."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year + years, day=28)


def _record(action: str, grant: ModuleGrant, actor: str) -> None:
    period: dict[str, Any] = {"starts_at": clock.iso(grant.starts_at), "ends_at": clock.iso(grant.ends_at)}
    audit.record(action, actor=actor, subject=f"user:{grant.user_id}", module=grant.module, **period)
