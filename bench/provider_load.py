"""Functions that ``bench_providers`` runs with the settings of the hub: accounts, sendings, and their times."""

from __future__ import annotations

import json
import random
import sys
import time
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select

from app.accounts import modules, users
from app.einvoices import sellers
from app.einvoices.lifecycle import drafts, issue
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.models.work import EinvoicePdf, EinvoiceSending
from app.einvoices.provider_accounts import connection_test, directory
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from wsgi import app

_BUYER = {"name": "Buyer", "address": "Istiklal Cad. 2, Istanbul"}
_ITEM = {"name": "Tişört", "quantity": Decimal(1), "unit_price": Decimal(50)}


def prepare(number_of_sellers: str, each: str, *ports: str) -> int:
    """Create sellers with a tested account at each provider and ``each`` issued e-invoices of each account."""
    for number in range(int(number_of_sellers)):
        with unit_of_work():
            user = users.create_user(
                email=f"seller-{number}@hub.example",
                password="correct horse battery",
                role="billing",
                name="Seller",
                actor="bench",
            )
            modules.enable(user, "feature.einvoice_api", actor="bench")
            owner_id = user.id
            tax_id = str(1_000_000_000 + owner_id)
            sellers.save(owner_id, actor="bench", tax_id=tax_id, address="Bagdat Cad. 1, Istanbul")
        for port in ports:
            _open_account(owner_id, int(port), int(each))
    return int(number_of_sellers) * len(ports)


def _open_account(owner_id: int, port: int, each: int) -> None:
    url = f"http://127.0.0.1:{port}"
    settings = {"name": str(port), "adapter": "http", "mode": "live", "url": f"{url}/take", "lookup_url": f"{url}/find"}
    allowed = [{"cidr": "127.0.0.0/8", "port": port}]
    with unit_of_work():
        made = directory.create({**settings, "allowances": allowed}, owner_id, actor="bench", may_allow=True)
        account_id = made.account.id
    with unit_of_work():
        if not connection_test.run(account_id, None, actor="bench").test_passed:
            raise RuntimeError("the provider of the benchmark does not answer")
    with unit_of_work():
        for _ in range(each):
            content = {
                "buyer": _BUYER,
                "items": [_ITEM],
                "provider_account_id": account_id,
            }
            issue.issue(drafts.create(content, owner_id, actor="bench").id, None, "bench")
        db.session.execute(delete(EinvoicePdf))  # rendering would take the processor from the senders


def send(per_second: str, seconds: str, seed: str) -> list[int]:
    """Send e-invoices of all accounts in random order, at a steady rate; returns their ids."""
    with unit_of_work():
        ids = list(
            db.session.scalars(
                select(Einvoice.id).where(Einvoice.status == "issued", Einvoice.provider_status.is_(None))
            )
        )
    random.Random(int(seed)).shuffle(ids)
    chosen, began = ids[: int(float(per_second) * float(seconds))], time.monotonic()
    for number, einvoice_id in enumerate(chosen):
        time.sleep(max(0.0, began + number / float(per_second) - time.monotonic()))
        with unit_of_work():
            issue.send(einvoice_id, None, "bench")
    time.sleep(0.5)  # a background thread triggers the sender
    return chosen


def times(hanging_port: str, *ids: str) -> dict[str, Any]:
    """Milliseconds from ``send`` to ``accepted`` of the e-invoices whose provider does not hang, and how many wait."""
    query = (
        select(EinvoiceSending.created_at, EinvoiceSending.finished_at, Einvoice.status)
        .join(Einvoice, Einvoice.id == EinvoiceSending.einvoice_id)
        .join(ProviderAccount, ProviderAccount.id == Einvoice.provider_account_id)
        .where(Einvoice.id.in_([int(each) for each in ids]), ProviderAccount.name != hanging_port)
    )
    with unit_of_work():
        rows = db.session.execute(query).all()
    done = [row for row in rows if row.status == "accepted"]
    taken = [(row.finished_at - row.created_at).total_seconds() * 1000 for row in done]
    return {"taken": taken, "waiting": len(rows) - len(done)}


if __name__ == "__main__":
    with app.app_context():
        print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
