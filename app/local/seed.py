"""Command ``flask local bootstrap``: the admin of a local run, the modules of the admin, and demo data."""

from __future__ import annotations

import os

import structlog
from flask.cli import AppGroup

from app.accounts import modules, users
from app.accounts.login import passwords
from app.accounts.models.accounts import User
from app.grn.demo import make_demo
from app.kernel.unit_of_work import unit_of_work
from app.local import demo

log = structlog.get_logger(__name__)
ACTOR = "local run"
group = AppGroup("local", help="What `make run` does before the processes start.")


@group.command("bootstrap")
def bootstrap() -> None:
    """Create the admin of ADMIN_EMAIL and ADMIN_PASSWORD and, unless DEMO=0, demo data, if they are missing."""
    with unit_of_work():
        admin = _admin(os.environ["ADMIN_EMAIL"], os.environ["ADMIN_PASSWORD"])
        _enable_modules(admin)
        log.info("admin_ready", user=admin.id)
    if os.environ.get("DEMO", "1") != "0":
        with unit_of_work():
            demo.import_demo_invoices()
            demo.make_seller(admin.id, ACTOR)
            make_demo()


def _admin(email: str, password: str) -> User:
    admin = users.find_user(email)
    if admin is None:
        return users.create_user(email=email, password=password, role="admin", name="Administrator", actor=ACTOR)
    # ADMIN_PASSWORD must work, also after its value has changed.
    if not passwords.verify_password(admin.password_hash, password):
        users.change_password(admin, password, actor=ACTOR)
    return admin


def _enable_modules(admin: User) -> None:
    for module in modules.MODULES:
        if not modules.is_enabled(admin.id, module):
            modules.enable(admin, module, actor=ACTOR)
