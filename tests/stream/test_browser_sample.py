"""The sample for browsers in ``docs/events.md``, run in Chromium: it goes on after the end of a stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from app.accounts.models.accounts import LoginSession
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.serving import serving
from tests.stream.readers import Relayed, import_sale, wait_until_caught_up

#: One worker runs all browser tests, with one browser.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pages")]
EVENTS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"


def sample() -> str:
    """The function of the documentation page, without its call."""
    [code] = re.findall(r"```js\n(.*?)\n```", EVENTS_PAGE.read_text(), re.DOTALL)
    function, _, call = str(code).rpartition("\nfollow(")
    assert call
    return function


@pytest.fixture
def page(app: Hub, browser: Browser) -> Iterator[Page]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]
    with serving(server):
        wait_until_caught_up()
        opened = browser.new_page(base_url=f"http://localhost:{server.server_port}")
        yield opened
        opened.close()


def numbers(page: Page, count: int) -> list[str]:
    """Wait for ``count`` events; return the numbers of their invoices."""
    page.wait_for_function("count => told.length >= count", arg=count, timeout=20_000)
    found: list[str] = page.evaluate("told.map(event => event.data.invoice.invoice_no)")
    return found


def test_the_sample_follows_events_over_several_connections(
    app: Hub,
    page: Page,
    client_as: Callable[..., FlaskClient],
    relayed: Relayed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.config, "STREAM_LIFETIME_SECONDS", 0.5)
    user = client_as("billing")
    import_sale(user, "EARLIER")
    relayed()
    opened: list[str] = []
    page.on("response", lambda answer: opened.append(answer.url) if "/stream?" in answer.url else None)
    page.goto("/healthz")
    page.evaluate(
        """([sample, authorization]) => {
            window.told = [];
            window.problem = null;
            const follow = new Function(`${sample}; return follow;`)();
            follow(["sales.imported"], (event) => told.push(event), { Authorization: authorization })
                .catch((error) => { window.problem = error.message; });
        }""",
        [sample(), user.environ_base["HTTP_AUTHORIZATION"]],
    )
    page.wait_for_timeout(1500)  # the first connection ended without an event; the next one begins after two seconds
    assert len(opened) == 1
    import_sale(user, "BETWEEN")
    relayed()
    assert numbers(page, 1) == ["BETWEEN"]
    page.wait_for_timeout(1000)
    import_sale(user, "LATER")
    relayed()
    assert numbers(page, 2) == ["BETWEEN", "LATER"]
    assert len(opened) >= 3
    with unit_of_work():
        db.session.query(LoginSession).update({"revoked_at": clock.now()})
    page.wait_for_function("() => problem", timeout=20_000)
    assert page.evaluate("problem") == "refused with 401"
    assert numbers(page, 2) == ["BETWEEN", "LATER"]
