"""Browser tests: the API reference loads from the hub only, and ``EventSource`` reads the stream by a ticket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.drills.hubs import DrillHub
from tests.factories import a_sale

pytestmark = pytest.mark.drill


@pytest.fixture
def page(browser: Browser, hub: DrillHub) -> Iterator[Page]:
    """A page that fails its test on any console error and any request that leaves the hub."""
    page = browser.new_page(base_url=f"http://localhost:{hub.ports[0]}")
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: r.url.startswith(f"http://localhost:{hub.ports[0]}/") or complaints.append(r.url))
    yield page
    page.close()
    assert not complaints


@pytest.mark.takes_turns
def test_the_reference_imports_an_invoice(page: Page, hub: DrillHub) -> None:
    """Try a call in the API reference: authorise, open the call, execute it, read the answer."""
    hub.sql("TRUNCATE sales_invoices CASCADE")
    page.goto("/docs")
    page.click("button.authorize")
    page.fill("#api_key_value", hub.environment["SALES_IMPORT_API_KEY"])
    page.click(".auth-container:has(#api_key_value) button.authorize")
    page.click("button.btn-done")
    page.click("#operations-Sales-post_sales_import_invoice .opblock-summary-control")
    page.click("#operations-Sales-post_sales_import_invoice button.execute")
    page.wait_for_selector("#operations-Sales-post_sales_import_invoice .live-responses-table .response-col_status")
    answer = page.inner_text("#operations-Sales-post_sales_import_invoice .live-responses-table")
    assert "201" in answer
    assert '"total_amount": 920' in answer


@pytest.mark.takes_turns
def test_an_event_source_with_a_ticket_receives_events(page: Page, hub: DrillHub) -> None:
    _, ticket = hub.post("/api/v1/stream/tickets", {}, headers=hub.sign_in("billing"))
    page.goto("/healthz")
    page.evaluate(
        """address => {
            window.told = [];
            window.source = new EventSource(address);
            window.source.addEventListener("sales.imported", event => window.told.push(event));
            return new Promise(resolve => { window.source.onopen = resolve; });
        }""",
        f"/api/v1/stream?topics=sales.*&ticket={ticket['ticket']}",
    )
    sale = a_sale(invoice_no="BROWSER-1")
    assert hub.post("/api/sales/import/invoice/", sale, web=1)[0] == 201
    page.wait_for_function("() => window.told.length > 0")
    assert page.evaluate("JSON.parse(window.told[0].data).data.invoice.invoice_no") == "BROWSER-1"
    assert page.evaluate("Number(window.told[0].lastEventId)") > 0
    page.evaluate("window.source.close()")
