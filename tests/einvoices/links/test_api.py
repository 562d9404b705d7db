"""Public links to PDFs: create, open, expire, revoke; what they open, and what nobody sees."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts import audit
from app.accounts.models.accounts import ApiCall, AuditEntry, IdempotencyKey
from app.config import Settings
from app.einvoices.links import service
from app.einvoices.links.api import LIMIT
from app.einvoices.models.links import EinvoiceLink
from app.einvoices.pdf import print_job
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.log_redaction import mask_text
from app.kernel.storage.stores import file_store
from tests.einvoices.helpers import URL, create_draft, create_issued, fetch_detail, fetch_pdf, perform
from tests.object_stores import stored_paths

pytestmark = pytest.mark.slow  # many requests in each

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def _own_storage(each_storage: None) -> None:
    """An empty storage of each kind."""


@pytest.fixture
def printed(owner: FlaskClient) -> dict[str, Any]:
    """An issued e-invoice with its PDF."""
    einvoice = create_issued(owner)
    print_job.print_due()
    return einvoice


def create_link(client: FlaskClient, einvoice_id: int, **facts: Any) -> dict[str, Any]:
    answer = client.post(f"{URL}/{einvoice_id}/links", json=facts)
    assert answer.status_code == 201, answer.json
    return answer.json


def path_of(link: dict[str, Any]) -> str:
    path: str = link["url"].removeprefix("http://localhost")
    assert path.startswith("/pdf/ihub_pdf_")
    assert len(path.rpartition("_")[2]) == 32  # 128 bits
    return path


def fetch(client: FlaskClient, link: dict[str, Any], method: str = "GET", **headers: str) -> Any:
    return client.open(path_of(link), method=method, headers=headers, buffered=True)


class TestOpening:
    def test_anybody_opens_the_pdf_in_the_browser(
        self, owner: FlaskClient, anybody: FlaskClient, printed: dict[str, Any]
    ) -> None:
        link = create_link(owner, printed["id"])
        answer, content = fetch(anybody, link, **BROWSER), fetch_pdf(owner, printed["id"]).data
        assert (answer.status_code, answer.data, answer.mimetype) == (200, content, "application/pdf")
        assert answer.headers["Content-Disposition"] == f"inline; filename={printed['invoice_no']}.pdf"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        head = fetch(anybody, link, "HEAD")
        assert (head.status_code, head.data, head.content_length) == (200, b"", len(content))
        part = fetch(anybody, link, Range="bytes=0-3")
        assert (part.status_code, part.data) == (206, content[:4])
        assert fetch(anybody, link, Range=f"bytes={len(content)}-").status_code == 416
        assert fetch(anybody, link, **{"If-None-Match": answer.headers["ETag"]}).status_code == 304

    def test_before_the_pdf_is_there_it_says_when_to_come_again(self, owner: FlaskClient, anybody: FlaskClient) -> None:
        einvoice = create_issued(owner)
        link = create_link(owner, einvoice["id"])
        early = fetch(anybody, link)
        assert (early.status_code, early.json["state"], early.headers["Retry-After"]) == (404, "pending", "2")
        page = fetch(anybody, link, **BROWSER)
        assert (page.status_code, page.headers["Retry-After"]) == (404, "2")
        assert "The document is being created" in page.text
        print_job.print_due()
        assert fetch(anybody, link).status_code == 200

    @pytest.mark.parametrize("language", ["en", "tr"])
    def test_unknown_expired_and_revoked_look_the_same(
        self,
        owner: FlaskClient,
        anybody: FlaskClient,
        printed: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
        language: str,
    ) -> None:
        revoked, expired = create_link(owner, printed["id"]), create_link(owner, printed["id"], expires_in_days=30)
        assert owner.delete(f"{URL}/{printed['id']}/links/{revoked['id']}").status_code == 204
        later = clock.now() + timedelta(days=30)
        monkeypatch.setattr(clock, "now", lambda: later)
        answers, pages = [], []
        for link in (revoked, expired, {"url": "/pdf/ihub_pdf_" + "0" * 32}):
            answers.append(fetch(anybody, link))
            pages.append(fetch(anybody, link, **BROWSER, **{"Accept-Language": language}))
        assert {(answer.status_code, answer.text) for answer in answers} == {(404, '{"message":"Not Found."}')}
        assert {page.status_code for page in pages} == {404}
        assert len({page.text for page in pages}) == 1
        assert {"en": "This link opens no document", "tr": "Bu bağlantı"}[language] in pages[0].text
        assert pages[0].headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in pages[0].headers["Content-Security-Policy"]

    def test_a_failed_or_lost_pdf_is_not_found(
        self, owner: FlaskClient, anybody: FlaskClient, printed: dict[str, Any], tmp_path: Path
    ) -> None:
        link = create_link(owner, printed["id"])
        for path in stored_paths():
            file_store().remove(path)
        assert fetch(anybody, link).json == {"message": "Not Found."}
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE e_invoice_pdfs SET state = 'failed', path = NULL, sha256 = NULL")
        assert fetch(anybody, link).json == {"message": "Not Found."}

    def test_it_opens_nothing_but_its_pdf(self, owner: FlaskClient, printed: dict[str, Any]) -> None:
        token = path_of(create_link(owner, printed["id"])).rpartition("/")[2]
        anybody = owner.application.test_client()
        for headers in ({"Authorization": f"Bearer {token}"}, {"X-API-KEY": token}):
            for path in (URL, f"{URL}/{printed['id']}", f"{URL}/{printed['id']}/pdf"):
                assert anybody.get(path, headers=headers).status_code == 401
        for odd in ("", "/", f"/{token}x", f"/{token.upper()}", f"/{token}/..", "/%00", f"/{'x' * 5000}"):
            assert anybody.get(f"/pdf{odd}").status_code in {404, 405}, odd

    def test_it_works_with_other_keys_of_the_hub(
        self, owner: FlaskClient, printed: dict[str, Any], app_with: Callable[..., Hub], settings: Settings
    ) -> None:
        link = create_link(owner, printed["id"])
        places = {name.lower(): owner.application.config[name] for name in ("STORAGE_DIR", "STORAGE")}
        other = app_with(secret_key=replace(settings).secret_key[::-1], **places)
        assert fetch(other.test_client(), link).status_code == 200

    def test_requests_of_one_network_are_limited(self, anybody: FlaskClient, app: Hub) -> None:
        answers = [anybody.get(f"/pdf/{number}") for number in range(int(LIMIT.split()[0]) + 1)]
        assert Counter(answer.status_code for answer in answers) == {404: len(answers) - 1, 429: 1}
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert "Wait a minute" in anybody.get("/pdf/x", headers=BROWSER).text
        elsewhere = anybody.get("/pdf/x", environ_base={"REMOTE_ADDR": "192.0.2.7"})
        assert elsewhere.status_code == 404


class TestManaging:
    def test_the_token_is_shown_once_and_stored_nowhere(self, owner: FlaskClient, printed: dict[str, Any]) -> None:
        path, key = f"{URL}/{printed['id']}/links", {"Idempotency-Key": "k"}
        link, again = (owner.post(path, json={}, headers=key).json for _ in range(2))
        assert link == again
        assert owner.application.test_client().get(path_of(link), buffered=True).status_code == 200
        token = path_of(link).rpartition("/")[2]
        listed = owner.get(path)
        assert token not in listed.text
        audit.recorder.flush()
        with db.engine.connect() as connection:
            tables = (EinvoiceLink, AuditEntry, ApiCall, IdempotencyKey)
            stored = "".join(str(connection.execute(table.__table__.select()).all()) for table in tables)
        assert token not in stored + str(fetch_detail(owner, printed["id"]))
        assert mask_text(f"GET /pdf/{token} 200") == "GET /pdf/ihub_*** 200"

    def test_making_using_and_revoking_is_recorded(
        self, owner: FlaskClient, anybody: FlaskClient, printed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = create_link(owner, printed["id"], expires_in_days=1)
        assert (link["last_used_at"], link["is_valid"], link["revoked_at"]) == (None, True, None)
        fetch(anybody, link)
        [first] = owner.get(f"{URL}/{printed['id']}/links").json["data"]
        fetch(anybody, link)
        [second] = owner.get(f"{URL}/{printed['id']}/links").json["data"]
        assert first["last_used_at"] == second["last_used_at"] is not None
        later = clock.now() + timedelta(seconds=61)
        monkeypatch.setattr(clock, "now", lambda: later)
        fetch(anybody, link)
        [third] = owner.get(f"{URL}/{printed['id']}/links").json["data"]
        assert third["last_used_at"] == clock.iso(later)
        for _ in range(2):
            assert owner.delete(f"{URL}/{printed['id']}/links/{link['id']}").status_code == 204
        with db.engine.connect() as connection:
            rows = connection.execute(AuditEntry.__table__.select().order_by(AuditEntry.id)).all()
        links = [(row.action, row.subject) for row in rows if "link" in row.action]
        subject = f"einvoice:{printed['id']}"
        assert links == [("einvoice.link_created", subject), ("einvoice.link_revoked", subject)]
        history = [event["type"] for event in fetch_detail(owner, printed["id"])["events"]]
        assert history[-2:] == ["link_created", "link_revoked"]

    @pytest.mark.parametrize("days", [0, 3651, "30", 1.5, True])
    def test_a_wrong_expiry_is_a_field_error(self, owner: FlaskClient, printed: dict[str, Any], days: Any) -> None:
        answer = owner.post(f"{URL}/{printed['id']}/links", json={"expires_in_days": days})
        assert (answer.status_code, set(answer.json["errors"])) == (422, {"expires_in_days"})

    def test_an_einvoice_has_a_quota_also_under_a_race(
        self, owner: FlaskClient, printed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "MAX_LINKS", 3)
        count = service._require_place
        # Without the lock all requests would count before the first one has stored its link.
        monkeypatch.setattr(service, "_require_place", lambda einvoice: (count(einvoice), time.sleep(0.1)))
        path = f"{URL}/{printed['id']}/links"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: owner.post(path, json={}), range(8)))
        assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 5}
        assert owner.post(path, json={}).json["error"] == "TOO_MANY_LINKS"
        owner.delete(f"{path}/{answers[0].json.get('id') or owner.get(path).json['data'][0]['id']}")
        create_link(owner, printed["id"])

    def test_only_the_owner_manages_and_a_draft_has_none(
        self, owner: FlaskClient, owner_as: Callable[..., FlaskClient], printed: dict[str, Any]
    ) -> None:
        link, other = create_link(owner, printed["id"]), owner_as()
        own = perform(other, create_draft(other)["id"], "issue")
        path = f"{URL}/{printed['id']}/links"
        assert {other.get(path).status_code, other.post(path, json={}).status_code} == {404}
        assert other.delete(f"{path}/{link['id']}").status_code == 404
        assert other.delete(f"{URL}/{own['id']}/links/{link['id']}").status_code == 404
        assert owner.get(path).json["data"][0]["is_valid"] is True
        answer = owner.post(f"{URL}/{create_draft(owner)['id']}/links", json={})
        assert (answer.status_code, answer.json["error"]) == (409, "WRONG_STATE")
        assert owner_as("admin").get(path).status_code == 200
