"""Page of the evidence: the package of a month, the daily roots, access."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts import modules
from app.accounts.models.accounts import User
from app.einvoices.lifecycle import drafts, issue
from app.evidence import roots
from app.evidence.models import EvidenceStamp
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_draft, a_seller

EVIDENCE = "/admin/settings/evidence"


def issue_one(user: User) -> None:
    """Issue an e-invoice of a user, and let the day end."""
    with unit_of_work():
        modules.enable(user, "feature.einvoice_api", actor="test")
        a_seller(user.id)
        draft = drafts.create({**a_draft(), "buyer": a_draft()["buyer"]}, user.id, "test")
        issue.issue(draft.id, user.id, "test")


def test_a_month_is_downloaded_and_roots_are_shown(
    signed_in: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = signed_in("admin")
    issue_one(db.session.query(User).one())
    period, tomorrow = f"{clock.now().astimezone(UTC):%Y-%m}", clock.now() + timedelta(days=1)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: tomorrow)
        roots.seal_due()
    page.goto(EVIDENCE)
    expect(page.get_by_role("table")).to_contain_text("1–2")
    expect(page.get_by_role("columnheader", name="Time stamp")).to_have_count(0)
    stamped = EvidenceStamp(owner_id=1, day=clock.now().astimezone(UTC).date(), state="done", reply=b"x")
    with unit_of_work():
        stamped.stamped_at = datetime(2026, 1, 19, 0, 1, tzinfo=UTC)
        db.session.add(stamped)
    page.reload()
    expect(page.get_by_role("table")).to_contain_text("Jan 19, 2026")
    page.locator("select[name=period]").select_option(period)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "EA-" in archive.read("documents.csv").decode()


def test_a_wrong_month_is_refused_and_others_have_no_access(signed_in_client: Callable[..., FlaskClient]) -> None:
    admin = signed_in_client("admin")
    with unit_of_work():
        modules.enable(db.session.query(User).one(), "feature.einvoice_api", actor="test")
    assert admin.get(f"{EVIDENCE}/package?period=2026-99").status_code == 422
    assert admin.get(f"{EVIDENCE}?owner_id=99999").status_code == 404
    assert signed_in_client("warehouse").get(EVIDENCE).status_code == 403
