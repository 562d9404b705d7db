"""The settings in Chromium: tokens, calls, keys, users, modules and the seller, each page doing its main job."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.accounts import audit, module_status, modules
from app.accounts import users as accounts_users
from app.accounts.credentials import api_keys
from app.accounts.models.accounts import ApiKey, User
from app.accounts.models.tokens import AccessToken
from app.accounts.tokens import service as tokens
from app.admin.views.modules import NAMES
from app.einvoices import sellers
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.admin.conftest import Opener, assert_accessible, shoot, sign_in
from tests.admin.test_signing import enter, post
from tests.einvoices.helpers import png_logo
from tests.factories import PASSWORD, a_token, a_user

SignedIn = Callable[..., Page]
TOKENS, LOGS, KEYS = "/admin/settings/api", "/admin/settings/api/logs", "/admin/settings/keys"
USERS, MODULES, SELLER = "/admin/users", "/admin/modules", "/admin/settings/seller"


def calls(client: FlaskClient, path: str, **headers: str) -> int:
    status = client.get(path, headers=headers).status_code
    audit.recorder.flush()
    return status


def with_token(client: FlaskClient, plain: str, path: str = "/api/invoices") -> int:
    return calls(client, path, Authorization=f"Bearer {plain}")


def confirm(page: Page, name: str) -> None:
    """Press the button of a dialog that is open."""
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


def at(path: str) -> Callable[[Page], None]:
    """Visit a page, which must be there."""

    def visit(page: Page) -> None:
        answer = page.goto(path)
        assert answer
        assert answer.ok, path

    return visit


def copied(page: Page, label: str) -> str:
    """Press the button beside a text, and look at what it wrote to the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    box = page.locator(".copyable").filter(has=page.get_by_text(label, exact=True))
    box.get_by_role("button").click()
    expect(box.get_by_role("button")).to_have_text("Copied")
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


class TestTokens:
    @pytest.mark.main_job
    def test_one_is_made_copied_used_seen_in_the_record_and_revoked(
        self, signed_in: SignedIn, anybody: FlaskClient, address: str
    ) -> None:
        page = signed_in("integrator")
        page.get_by_role("link", name="API tokens").click()
        page.get_by_role("link", name="Make a token").click()
        page.get_by_label("Name").fill("Web shop")
        page.get_by_label("grn:read").check()
        expect(page.get_by_text("List and read goods receipts, ledgers and master data.")).to_be_visible()
        page.get_by_label("Ends after").select_option("30")
        page.get_by_role("button", name="Make the token").click()
        expect(page.get_by_role("heading", name="The token is made")).to_be_visible()
        plain = copied(page, "Token")
        assert re.fullmatch(r"ihub_\w{12}_\w{46}", plain)
        assert copied(page, "A first call") == f'curl -sS -H "Authorization: Bearer {plain}" "{address}/api/invoices"'

        assert with_token(anybody, plain) == 200
        page.reload()
        expect(page.get_by_role("heading", name="API tokens")).to_be_visible()
        assert plain not in page.content()
        row = page.get_by_role("row", name="Web shop")
        expect(row).to_contain_text("30 days left")
        expect(row).to_contain_text("127.0.0.1")
        row.get_by_role("link", name="Calls of Web shop").click()
        expect(page.get_by_role("row", name="/api/invoices")).to_contain_text("200")

        page.go_back()
        row.get_by_role("button", name="Revoke").click()
        confirm(page, "Revoke")
        expect(page.get_by_role("status")).to_contain_text("Web shop is revoked")
        expect(row).to_contain_text("Revoked")
        expect(row.get_by_role("button")).to_have_count(0)
        assert with_token(anybody, plain) == 401
        page.goto(f"{LOGS}?status=401")
        expect(page.get_by_role("row", name="/api/invoices")).to_contain_text("Web shop")

    def test_one_is_rotated_with_a_grace_and_limited(self, signed_in: SignedIn, anybody: FlaskClient) -> None:
        page = signed_in("integrator")
        with unit_of_work():
            _, old = a_token(db.session.query(User).one(), name="Shop")
        page.goto(TOKENS)
        page.get_by_role("button", name="Rotate").click()
        page.get_by_role("dialog").get_by_label("The old one works for").select_option("1")
        confirm(page, "Rotate")
        expect(page.get_by_role("heading", name="The token has a new secret")).to_be_visible()
        new = page.get_by_label("Token").input_value()
        assert [with_token(anybody, plain) for plain in (old, new)] == [200, 200]
        page.get_by_role("link", name="I have copied it").click()
        expect(page.get_by_role("row", name="Shop")).to_contain_text("Old secret until")
        page.get_by_role("button", name="Limits").click()
        page.get_by_role("dialog").get_by_label("Calls per minute").fill("2")
        confirm(page, "Limits")
        expect(page.get_by_role("row", name="Shop")).to_contain_text("2 calls a minute, 20 reports")
        assert [with_token(anybody, new) for _ in range(3)] == [200, 200, 429]

    def test_what_is_wrong_is_told_at_the_field(self, signed_in: SignedIn) -> None:
        page = signed_in("integrator")
        page.goto(f"{TOKENS}/new")
        page.get_by_label("Name").fill("Shop")
        page.get_by_label("May be used from").fill("192.0.2.7\nmy office")
        page.get_by_role("button", name="Make the token").click()
        expect(page.get_by_text("my office is neither an address nor a network.")).to_be_visible()
        expect(page.get_by_text("Choose at least one.")).to_be_visible()
        expect(page.get_by_label("Name")).to_have_value("Shop")
        assert db.session.scalars(select(AccessToken)).all() == []

    def test_only_what_the_role_has_is_offered_and_taken(self, app: Hub, anybody: FlaskClient) -> None:
        with unit_of_work():
            user = a_user(role="billing")
        enter(anybody, user)
        form = anybody.get(f"{TOKENS}/new").text
        assert 'value="sales:import"' in form
        assert 'value="webhooks:manage"' not in form
        fields = {"name": "x", "days": "90", "calls": "60", "status_calls": "20", "abilities": "webhooks:manage"}
        answer = post(anybody, f"{TOKENS}/new", on=f"{TOKENS}/new", **fields)
        assert answer.status_code == 200
        assert db.session.scalars(select(AccessToken)).all() == []

    def test_everybody_sees_their_own_and_an_administrator_all(self, app: Hub) -> None:
        with unit_of_work():
            admin, mine, theirs = (a_user(role=role) for role in ("admin", "integrator", "integrator"))
            a_token(mine, name="Of mine")
            a_token(theirs, name="Of theirs")
        clients = {}
        for user in (admin, mine):
            clients[user.id] = app.test_client()
            enter(clients[user.id], user)
        assert all(name in clients[admin.id].get(TOKENS).text for name in ("Of mine", "Of theirs", theirs.email))
        page = clients[mine.id].get(TOKENS).text
        assert "Of mine" in page
        assert "Of theirs" not in page
        for verb, fields in (
            ("revoke", {}),
            ("rotate", {"grace": "0"}),
            ("limits", {"calls": "1", "status_calls": "1"}),
        ):
            assert post(clients[mine.id], f"{TOKENS}/2/{verb}", on=TOKENS, **fields).status_code == 404, verb
        assert post(clients[admin.id], f"{TOKENS}/2/rotate", on=TOKENS, grace="0").status_code == 404
        assert post(clients[admin.id], f"{TOKENS}/2/revoke", on=TOKENS).status_code == 303
        db.session.expire_all()
        assert db.session.get(AccessToken, 2).revoked_at


class TestCalls:
    def test_are_found_by_what_was_typed(self, signed_in: SignedIn, anybody: FlaskClient, erp: FlaskClient) -> None:
        page = signed_in("admin")
        with unit_of_work():
            _, plain = a_token(db.session.query(User).one(), name="Shop", abilities=["grn:read"])
        assert with_token(anybody, plain) == 200
        assert with_token(anybody, plain, "/api/v1/events") == 403
        assert calls(erp, "/api/sales/invoices/") == 200
        page.get_by_role("link", name="API calls").click()
        rows = page.get_by_role("table").get_by_role("row")
        let_in, refused = rows.filter(has_text="/api/invoices"), rows.filter(has_text="/api/v1/events")
        expect(let_in).to_contain_text("Shop")
        expect(refused).to_contain_text("403")
        page.get_by_label("Path begins with").fill("/api/v1/events")
        expect(rows).to_have_count(2)
        expect(refused).to_be_visible()
        assert "path=%2Fapi%2Fv1%2Fevents" in page.url
        page.get_by_label("Path begins with").fill("")
        expect(let_in).to_be_visible()
        page.get_by_label("Status").select_option("2xx")
        expect(refused).to_have_count(0)
        expect(let_in).to_be_visible()
        page.get_by_label("Caller").fill("api_key:env")
        page.get_by_label("Caller").press("Enter")
        expect(page.get_by_text("No calls found")).to_be_visible()

    def test_of_others_are_an_administrators_to_see(self, app: Hub, erp: FlaskClient) -> None:
        calls(erp, "/api/sales/invoices/")
        with unit_of_work():
            users = [a_user(role=role) for role in ("admin", "integrator")]
        shown = []
        for user in users:
            client = app.test_client()
            enter(client, user)
            shown.append("/api/sales/invoices/" in client.get(LOGS).text)
        assert shown == [True, False]

    def test_a_filter_that_makes_no_sense_is_told(self, app: Hub, anybody: FlaskClient) -> None:
        with unit_of_work():
            user = a_user(role="admin")
        enter(anybody, user)
        answer = anybody.get(f"{LOGS}?since=yesterday&status=4xx")
        assert answer.status_code == 200
        assert "since:" in answer.text
        assert anybody.get(f"{LOGS}?cursor=x").status_code == 422


class TestKeys:
    def test_one_is_made_tied_down_rotated_and_revoked(self, signed_in: SignedIn, anybody: FlaskClient) -> None:
        page = signed_in("admin")
        page.get_by_role("link", name="Import keys").click()
        page.get_by_role("link", name="Make a key").click()
        page.get_by_label("Name").fill("ERP")
        page.get_by_role("button", name="Make the key").click()
        old = copied(page, "Key")
        path = "/api/sales/invoices/"
        assert calls(anybody, path, **{"X-API-KEY": old}) == 200
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("button", name="Rotate").click()
        page.get_by_role("dialog").get_by_label("The old one works for").select_option("0")
        confirm(page, "Rotate")
        new = page.get_by_label("Key").input_value()
        assert [calls(anybody, path, **{"X-API-KEY": key}) for key in (old, new)] == [401, 200]
        page.goto(KEYS)
        row = page.get_by_role("row", name="anywhere").filter(has_text="Valid")
        row.get_by_role("button", name="Addresses").click()
        page.get_by_role("dialog").get_by_label("May be used from").fill("192.0.2.0/24")
        confirm(page, "Addresses")
        expect(page.get_by_role("row", name="192.0.2.0/24")).to_be_visible()
        assert calls(anybody, path, **{"X-API-KEY": new}) == 403
        page.get_by_role("button", name="Revoke").click()
        confirm(page, "Revoke")
        expect(page.get_by_role("row", name="192.0.2.0/24")).to_contain_text("Revoked")
        assert calls(anybody, path, **{"X-API-KEY": new}) == 401
        assert len(db.session.scalars(select(ApiKey)).all()) == 2

    def test_addresses_that_are_none_are_told(self, app: Hub, anybody: FlaskClient) -> None:
        with unit_of_work():
            user = a_user(role="admin")
            api_keys.create(name="ERP", actor="test")
        enter(anybody, user)
        post(anybody, f"{KEYS}/1/allowlist", on=KEYS, allowlist="x")
        assert "x is neither an address nor a network." in anybody.get(KEYS).text


class TestUsers:
    def test_one_is_made_signs_in_changes_role_and_is_kept_out(self, signed_in: SignedIn, open_page: Opener) -> None:
        page = signed_in("admin")
        page.get_by_role("link", name="Users").click()
        page.get_by_role("link", name="Make a user").click()
        page.get_by_label("E-mail address").fill("banu@hub.example")
        page.get_by_label("Name").fill("Banu")
        page.get_by_label("Role").select_option("billing")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Make the user").click()
        expect(page.get_by_role("status")).to_contain_text("Banu can sign in now.")
        banu = accounts_users.get_user_by_email("banu@hub.example")
        theirs = sign_in(open_page(), banu)
        row = page.get_by_role("row", name="Banu")
        row.get_by_role("button", name="Role").click()
        page.get_by_role("dialog").get_by_label("Role").select_option("warehouse")
        confirm(page, "Role")
        expect(row).to_contain_text("Warehouse")
        theirs.goto(SELLER)
        expect(theirs.get_by_role("heading", name="You may not do this")).to_be_visible()
        row.get_by_role("button", name="New password").click()
        confirm(page, "New password")
        password = page.get_by_label("Password").input_value()
        theirs.goto("/admin")
        sign_in(theirs, banu, password)
        page.get_by_role("link", name="I have copied it").click()
        row.get_by_role("button", name="Deactivate").click()
        confirm(page, "Deactivate")
        expect(row).to_contain_text("Inactive")
        theirs.goto("/admin")
        expect(theirs.get_by_role("heading", name="Sign in")).to_be_visible()
        row.get_by_role("button", name="Activate").click()
        expect(row).not_to_contain_text("Inactive")

    def test_the_last_administrator_stays(self, signed_in: SignedIn) -> None:
        page = signed_in("admin")
        page.goto(USERS)
        page.get_by_role("button", name="Role").click()
        page.get_by_role("dialog").get_by_label("Role").select_option("billing")
        confirm(page, "Role")
        expect(page.get_by_role("alert")).to_contain_text("This is the last active admin")
        expect(page.get_by_role("button", name="Deactivate")).to_have_count(0)

    def test_an_address_that_is_taken_is_told(self, app: Hub, anybody: FlaskClient) -> None:
        with unit_of_work():
            user = a_user(role="admin")
        enter(anybody, user)
        fields = {"email": user.email, "name": "x", "role": "billing", "password": PASSWORD}
        answer = post(anybody, f"{USERS}/new", on=f"{USERS}/new", **fields)
        assert "A user with this e-mail address already exists." in answer.text
        assert PASSWORD not in answer.text


class TestModules:
    MODULE = "feature.einvoice_api"

    def test_one_is_turned_on_renewed_and_ended(
        self, signed_in: SignedIn, anybody: FlaskClient, person: Callable[..., User]
    ) -> None:
        shop = person("integrator", name="Shop")
        with unit_of_work():
            _, plain = a_token(db.session.get(User, shop.id), abilities=["einvoices:read"])
        page = signed_in("admin")
        page.get_by_role("link", name="Modules").click()
        row = page.get_by_role("row", name="Shop").filter(has_text=self.MODULE)
        assert with_token(anybody, plain, "/api/v1/einvoices") == 403
        row.get_by_role("button", name="Turn on").click()
        confirm(page, "Turn on")
        expect(row).to_contain_text(re.compile("36[56] days left"))
        assert with_token(anybody, plain, "/api/v1/einvoices") == 200
        row.get_by_role("button", name="Renew").click()
        page.get_by_role("dialog").get_by_label("Years").fill("2")
        confirm(page, "Renew")
        expect(row).to_contain_text(re.compile("109[56] days left"))
        row.get_by_role("button", name="Dates").click()
        ends = (clock.now() + timedelta(days=6)).date()
        page.get_by_role("dialog").get_by_label("Until").fill(ends.isoformat())
        confirm(page, "Dates")
        expect(row).to_contain_text("6 days left")
        row.get_by_role("button", name="End").click()
        confirm(page, "End")
        expect(row).to_contain_text("Off")
        assert with_token(anybody, plain, "/api/v1/einvoices") == 403

    @pytest.mark.parametrize(("days", "said"), [(31, ""), (7, "E-invoice API ends in 7 days."), (0, "has ended")])
    def test_a_banner_warns_on_every_page(
        self, app: Hub, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch, days: int, said: str
    ) -> None:
        with unit_of_work():
            user = a_user(role="integrator")
            grant = modules.enable(user, self.MODULE, actor="test")
        monkeypatch.setattr(clock, "now", lambda: grant.ends_at - timedelta(days=days))
        enter(anybody, user)
        page = anybody.get("/admin/account").text
        assert ("E-invoice API" in page) is bool(said)
        assert said in page

    def test_dates_in_the_wrong_order_are_told(self, app: Hub, anybody: FlaskClient) -> None:
        with unit_of_work():
            user = a_user(role="admin")
        enter(anybody, user)
        path = f"{MODULES}/1/{self.MODULE}"
        post(anybody, f"{path}/period", on=MODULES, starts="2026-02-02", ends="2026-02-01")
        assert "after the start" in anybody.get(MODULES).text
        assert post(anybody, f"{MODULES}/1/feature.tea/renew", on=MODULES, years="1").status_code == 303
        assert post(anybody, f"{MODULES}/9/{self.MODULE}/renew", on=MODULES, years="1").status_code == 404
        assert {licence.state for licence in module_status.status_of(1)} == {"off"}

    def test_every_module_has_a_name(self) -> None:
        assert NAMES.keys() == modules.MODULES.keys()


class TestSeller:
    def test_is_changed_and_keeps_its_logo(self, signed_in: SignedIn) -> None:
        page = signed_in("billing")
        page.get_by_role("link", name="Seller").click()
        page.get_by_label("Name of the company").fill("Güneş Ticaret A.Ş.")
        page.get_by_label("Prefix of the numbers").fill("GT")
        page.get_by_label("Usual VAT rate").fill("10")
        page.get_by_label("Language of the PDF").select_option("en")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        expect(page.get_by_label("Name of the company")).to_have_value("Güneş Ticaret A.Ş.")
        profile = sellers.profile_of(1)
        assert (profile.prefix, profile.language, profile.default_vat_rate) == ("GT", "en", 10)
        page.get_by_label("Picture").set_input_files({"name": "l.png", "mimeType": "image/png", "buffer": png_logo()})
        page.get_by_role("button", name="Upload").click()
        logo = page.get_by_alt_text("The logo that is printed now")
        expect(logo).to_be_visible()
        assert logo.evaluate("image => image.complete && image.naturalWidth > 0")
        page.get_by_label("Picture").set_input_files({"name": "l.png", "mimeType": "image/png", "buffer": b"text"})
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("alert")).to_contain_text("Expected a PNG or JPEG")
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("No logo")).to_be_visible()

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("prefix", "küçük", "Use 1 to 10 capital letters"),
            ("prefix", "A\n", "Use 1 to 10 capital letters"),
            ("name", " ", "required"),
            ("default_vat_rate", "101", "between 0 and 100"),
            ("default_vat_rate", "1.234", "at most 2 decimals"),
            ("timezone", "Mars/Olympus", "Not a valid choice"),
            ("address", "x" * 1001, "1000"),
            ("bank", "a\0b", "at most 300 characters"),
        ],
    )
    def test_what_is_wrong_is_told_and_nothing_is_stored(
        self, app: Hub, anybody: FlaskClient, field: str, value: str, said: str
    ) -> None:
        with unit_of_work():
            user = a_user(role="billing")
        enter(anybody, user)
        good = {"name": "Shop", "prefix": "EA", "language": "tr", "currency": "TRY", "default_vat_rate": "20"}
        fields = {**good, "timezone": "UTC", "provider": "null", field: value}
        answer = post(anybody, SELLER, on=SELLER, **fields)
        assert answer.status_code == 200
        assert said in answer.text
        assert sellers.profile_of(user.id).name == user.name


def test_settings_speak_turkish(signed_in: SignedIn) -> None:
    page = signed_in("admin", language="tr")
    for path in (TOKENS, f"{TOKENS}/new", LOGS, KEYS, f"{KEYS}/new", USERS, f"{USERS}/new", MODULES, SELLER):
        page.goto(path)
        expect(page.locator("html")).to_have_attribute("lang", "tr")
        english = page.locator("main").get_by_text(re.compile(r"\b(the|Make|Name|State|Save|Last)\b"))
        expect(english).to_have_count(0)


def test_a_warehouse_has_no_settings(signed_in: SignedIn) -> None:
    page = signed_in("warehouse")
    expect(page.get_by_role("link", name="API tokens")).to_have_count(0)
    for path in (TOKENS, LOGS, KEYS, USERS, MODULES, SELLER):
        answer = page.goto(path)
        assert answer
        assert answer.status == 403, path


def a_busy_hub(anybody: FlaskClient, erp: FlaskClient) -> None:
    """Something of everything that the settings list, long names among it."""
    with unit_of_work():
        user = a_user(role="admin", name="Çağrı Şimşek-Yılmazoğlu", email="cagri.simsek-yilmazoglu@office.example")
        a_user(role="integrator", name="Web shop", is_active=False)
        modules.enable(user, "feature.einvoice_api", actor="test")
        now = clock.now()
        near = {"starts_at": now - timedelta(days=360), "ends_at": now + timedelta(days=5)}
        modules.set_period(user, "feature.einvoice_webhooks", **near, actor="test")
        _, plain = a_token(user, name="Accountant of the head office", days=30, allowlist=["127.0.0.0/8", "192.0.2.7"])
        revoked, _ = a_token(user, name="Old web shop")
        tokens.revoke(revoked.id, scope=None, actor="test")
        api_keys.create(name="ERP of the head office", actor="test", allowlist=["10.1.0.0/16", "2001:db8::/32"])
        api_keys.create(name="ERP of the warehouse", actor="test", lifetime=timedelta(days=20))
    for path in ("/api/invoices", "/api/v1/einvoices", "/api/invoices/7", "/api/invoices?pageSize=-1"):
        with_token(anybody, plain, path)
    calls(erp, "/api/sales/invoices/")


def make_a_token(page: Page) -> None:
    at(f"{TOKENS}/new")(page)
    page.get_by_label("Name").fill("Web shop of the company")
    page.get_by_label("grn:read").check()


def finish_a_token(page: Page) -> None:
    page.locator("button[type=submit]", has_text="Make the token").click()
    page.wait_for_selector("#secret")


def open_a_dialog(page: Page) -> None:
    at(TOKENS)(page)
    page.get_by_role("button", name="Rotate").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


#: Name of the picture -> how one comes to what it shows.
VIEWS = {
    "token-new": make_a_token,
    "token-made": finish_a_token,
    "tokens": at(TOKENS),
    "token-rotate": open_a_dialog,
    "calls": at(LOGS),
    "keys": at(KEYS),
    "key-new": at(f"{KEYS}/new"),
    "users": at(USERS),
    "user-new": at(f"{USERS}/new"),
    "modules": at(MODULES),
    "seller": at(SELLER),
}


@pytest.mark.drill
@pytest.mark.parametrize("style", [{}, {"dark": True}, {"phone": True}], ids=["light", "dark", "phone"])
def test_pages_can_be_read_and_used_by_everybody(
    signed_in: SignedIn, anybody: FlaskClient, erp: FlaskClient, style: dict[str, bool]
) -> None:
    a_busy_hub(anybody, erp)
    page = signed_in("admin", **style)
    for name, visit in VIEWS.items():
        visit(page)
        assert_accessible(page)
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, f"{name} is {width} pixels too wide"
        shoot(page, f"{name}-{next(iter(style), 'light')}")
