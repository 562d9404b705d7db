"""All pages: security headers, caching of assets, CSRF tokens."""

from __future__ import annotations

from flask.testing import FlaskClient

from app.kernel.http.app import Hub
from tests.admin.test_guards import path_of


def test_pages_load_and_send_nothing_outside_the_hub(admin_client: FlaskClient) -> None:
    headers = admin_client.get("/admin").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_error_pages_have_security_headers(admin_client: FlaskClient) -> None:
    assert "Content-Security-Policy" in admin_client.get("/admin/nowhere").headers


def test_assets_are_cached_for_a_year_under_their_version(anybody: FlaskClient) -> None:
    page = anybody.get("/admin/sign-in").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    with anybody.get(address) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in answer.headers
    with anybody.get("/admin/assets/old/hub.css") as old:
        assert old.headers["Cache-Control"] == "public, max-age=60"


def test_no_file_outside_the_assets_folder_is_served(anybody: FlaskClient) -> None:
    assert anybody.get("/admin/assets/x/../blueprint.py").status_code == 404


def test_form_without_csrf_token_changes_nothing(admin_client: FlaskClient) -> None:
    answer = admin_client.post("/admin/account/look", data={"language": "tr", "theme": "dark"})
    assert answer.status_code == 400
    assert "out of date" in answer.text
    assert 'lang="en"' in admin_client.get("/admin").text


def test_form_after_the_end_of_the_session_redirects_to_sign_in(anybody: FlaskClient) -> None:
    answer = anybody.post("/admin/account/look", data={"theme": "dark"})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/admin/sign-in")


def test_every_post_requires_the_csrf_token(app: Hub, anybody: FlaskClient) -> None:
    posts = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("admin.") and "POST" in rule.methods]
    assert posts
    for rule in posts:
        assert anybody.post(path_of(app, rule)).status_code in {303, 400}, rule
