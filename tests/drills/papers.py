"""E-invoices that drills issue and print: each must get one file, whole and readable."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from app.einvoices.samples import DRAFT
from tests.drills.figures import Figures, report
from tests.drills.hubs import DrillHub, wait_for

ABILITIES = ("einvoices:read", "einvoices:write", "sales:read", "webhooks:manage")


def sign_in_an_admin(hub: DrillHub) -> dict[str, str]:
    """Headers of a new administrator with the modules of e-invoices and webhooks."""
    headers = hub.sign_in("admin")
    hub.flask("modules", "enable", hub.make_seller(), "feature.einvoice_webhooks")
    hub.sql("UPDATE module_grants SET starts_at = starts_at - interval '1 day'")
    return headers


def sign_in_a_seller(hub: DrillHub) -> dict[str, str]:
    """Headers of a seller, with a token that no jump of the clock ends."""
    sign_in_an_admin(hub)
    [(email,)] = hub.sql("SELECT email FROM users ORDER BY id DESC LIMIT 1")
    abilities = [part for ability in ABILITIES for part in ("--ability", ability)]
    token = hub.flask("tokens", "create", email, "Drill", *abilities, "--calls", "10000").splitlines()[-1]
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def issue(hub: DrillHub, headers: dict[str, str]) -> int:
    order = f"ORDER-{time.monotonic_ns()}"
    status, draft = hub.post("/api/v1/einvoices", {**DRAFT, "marketplace_order_no": order}, headers=headers)
    assert status == 201, draft
    status, issued = hub.post(f"/api/v1/einvoices/{draft['id']}/issue", {}, headers=headers)
    assert status in {200, 202}, issued
    return int(draft["id"])


def unprinted(hub: DrillHub, ids: list[int]) -> int:
    found = "SELECT count(*) FROM e_invoice_pdfs WHERE einvoice_id = ANY(%s) AND state = 'done'"
    return len(ids) - int(hub.sql(found, ids)[0][0])


def hurry(hub: DrillHub) -> None:
    """Make waiting prints due: the lease of a killed printer and the delays of attempts last for minutes."""
    hub.sql("UPDATE e_invoice_pdfs SET due_at = now() WHERE state = 'pending' AND due_at < now() + interval '2 hours'")


def printed(hub: DrillHub, headers: dict[str, str], ids: list[int], fault: str, began: float) -> None:
    """Check that each e-invoice has one file, whole and readable, in the folder."""
    report_whole(hub, headers, ids, fault, began)
    folder = Path(hub.environment["STORAGE_DIR"])
    named = {path for (path,) in hub.sql("SELECT path FROM e_invoice_pdfs WHERE path IS NOT NULL")}
    wait_for(lambda: {str(f.relative_to(folder)) for f in folder.rglob("*.pdf")} == named, 30)
    assert [file for file in folder.rglob(".*") if file.is_file()] == [], "a part of a file was left"


def report_whole(hub: DrillHub, headers: dict[str, str], ids: list[int], fault: str, began: float) -> None:
    """Wait until each e-invoice is printed, and report how many PDFs are the ones that were printed."""

    def all_printed() -> bool:
        hurry(hub)
        return unprinted(hub, ids) == 0

    wait_for(all_printed, 300)
    whole = 0
    for einvoice in ids:
        status, content = hub.get_bytes(f"/api/v1/einvoices/{einvoice}/pdf", headers=headers)
        [(digest,)] = hub.sql("SELECT sha256 FROM e_invoice_pdfs WHERE einvoice_id = %s", einvoice)
        whole += status == 200 and content.startswith(b"%PDF-") and hashlib.sha256(content).hexdigest() == digest
    report(Figures(fault, "PDFs", len(ids), len(ids) - whole, 0, 0, time.monotonic() - began))
