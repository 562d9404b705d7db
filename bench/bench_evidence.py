"""Benchmark: issuing with and without the chain; the package of a month with 50,000 e-invoices, and its verifier.

``EINVOICES`` changes the number.
"""

from __future__ import annotations

import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts import modules, users
from app.accounts.login import sessions
from app.einvoices import sellers
from app.einvoices.evidence import chain_records
from app.einvoices.models.einvoices import Einvoice
from app.evidence import roots
from app.evidence.verifier_file import verifier_source
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.pdf import files
from bench.figures import print_figure
from bench.sizes import hubs, in_turns, run_without_indexes

EINVOICES, ROUNDS, WARM_UP = int(os.environ.get("EINVOICES", "50000")), 400, 50
PDF_BYTES, BATCH = 25_000, 500
PERIOD = f"{datetime.now(UTC):%Y-%m}"
URL = "/api/v1/einvoices"
BUYER = {"name": "Ayşe Yılmaz", "address": "Cadde 1", "is_business": False}
DRAFT = {
    "buyer": BUYER,
    "currency": "TRY",
    "items": [{"sku": f"T-{n}", "name": "Tişört", "quantity": 2, "unit_price": 50, "vat_rate": 20} for n in range(5)],
}
FILL = """
    INSERT INTO e_invoice_series (owner_id, prefix, year, last_number) SELECT id, 'BX', 2026, {count} FROM users;
    INSERT INTO e_invoices (owner_id, status, type, series_id, number, invoice_no, issued_at, buyer_name, currency,
        subtotal, discount_total, tax_total, grand_total, provider, seller, created_at, updated_at)
    SELECT u.id, 'issued', 'sale', s.id, n, 'BX-2026-' || lpad(n::text, 6, '0'), now(), 'Buyer ' || n, 'TRY',
        500, 0, 100, 600, 'null', '{{"name": "Bench", "timezone": "UTC"}}', now(), now()
    FROM users u, e_invoice_series s, generate_series(1, {count}) AS n;
    INSERT INTO e_invoice_items (einvoice_id, line_no, name, quantity, unit_price, discount_amount, vat_rate, net,
        vat_amount, total)
    SELECT e.id, n, 'Tişört', 2, 50, 0, 20, 100, 20, 120 FROM e_invoices e, generate_series(1, 5) AS n;
    INSERT INTO e_invoice_pdfs (einvoice_id, owner_id, path, sha256, state, due_at)
    SELECT id, owner_id, 'bench/' || id || '.pdf', 'x', 'done', now() FROM e_invoices;
"""


def run() -> None:
    """Print the times of both ways to issue, and memory and times of the package and its verifier."""
    with hubs((0, EINVOICES), fill) as (issuing, exporting):
        _compare_issues(issuing)
        with tempfile.TemporaryDirectory() as folder:
            _export(exporting, Path(folder))


def fill(url: str, count: int) -> str:
    with unit_of_work():
        facts = {"role": "integrator", "name": "Bench", "actor": "bench"}
        user = users.create_user(email="bench@hub.example", password="correct horse battery staple", **facts)
        modules.enable(user, "feature.einvoice_api", actor="bench")
        sellers.save(user.id, actor="bench", name="Bench", tax_id="1234567890", address="Sanayi Cad. 1")
        token = sessions.open_session(user)["access"]
    if count:
        run_without_indexes(url, FILL.format(count=count), ("e_invoices", "e_invoice_items", "e_invoice_pdfs"))
        _record(count)
    return f"Authorization: Bearer {token}"


def _record(count: int) -> None:
    """Write the chain and the files as issue and printer do."""
    query = select(Einvoice).options(selectinload(Einvoice.items)).order_by(Einvoice.id)
    for start in range(0, count, BATCH):
        with unit_of_work():
            for einvoice in db.session.scalars(query.offset(start).limit(BATCH)):
                content = str(einvoice.id).encode() * (PDF_BYTES // len(str(einvoice.id)))
                files.write(f"bench/{einvoice.id}.pdf", content)
                chain_records.append_step(einvoice, "issued", {"actor": "user:1"}, 0)
                digest = hashlib.sha256(content).hexdigest()
                chain_records.record_artefact(einvoice, "pdf", digest, len(content))
    tomorrow = clock.now() + timedelta(days=1)
    with mock.patch.object(clock, "now", return_value=tomorrow):
        roots.seal_due()


def _compare_issues(client: FlaskClient) -> None:
    ids = iter([post(client, URL, DRAFT)["id"] for _ in range(2 * (ROUNDS + WARM_UP))])

    def without() -> None:
        with mock.patch.object(chain_records, "append_step", return_value=None):
            post(client, f"{URL}/{next(ids)}/issue", None)

    def with_chain() -> None:
        post(client, f"{URL}/{next(ids)}/issue", None)

    times = in_turns((without, with_chain), ROUNDS, WARM_UP)
    before, after = map(statistics.median, times)
    print(f"\nIssue, in turns, {ROUNDS} times: without chain {before:.2f} ms, with chain {after:.2f} ms")
    print_figure("issues with the chain / without", before / after, aim="at least 0.95")


def post(client: FlaskClient, path: str, body: Any) -> Any:
    answer = client.post(path, json=body)
    if answer.status_code not in {200, 201}:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")
    return answer.json


def _export(client: FlaskClient, folder: Path) -> None:
    package, script = folder / "package.zip", folder / "verify.py"
    script.write_text(verifier_source())
    before, peak = _resident_mib(), 0.0
    started = time.perf_counter()
    answer = client.get(f"/api/v1/exports/{PERIOD}", buffered=False)
    with package.open("wb") as file:
        for number, block in enumerate(answer.iter_encoded()):
            file.write(block)
            if number % 100 == 0:
                peak = max(peak, _resident_mib())
    peak = max(peak, _resident_mib())
    seconds = time.perf_counter() - started
    print(f"\nPackage of {EINVOICES:,} e-invoices: {package.stat().st_size / 2**20:.0f} MiB in {seconds:.0f} s")
    print_figure(f"memory of a package of {EINVOICES:,} e-invoices, MiB", peak - before, "{:.0f}", "at most 64")
    seconds, output = _timed(lambda: _verify(script, package))
    print_figure("verifier of the package, seconds", seconds, "{:.0f}", "at most 60")
    print(f"It said: {output.splitlines()[-1]}")


def _verify(script: Path, package: Path) -> str:
    command = [sys.executable, "-I", "-S", str(script), str(package)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _timed(action: Callable[[], str]) -> tuple[float, str]:
    started = time.perf_counter()
    output = action()
    return time.perf_counter() - started, output


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
