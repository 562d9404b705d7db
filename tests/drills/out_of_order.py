"""Program that imports in many overlapping transactions, each with a random pause before its commit."""

from __future__ import annotations

import random
import sys
import threading
import time

from app.extensions import db
from app.kernel import json
from app.kernel.unit_of_work import unit_of_work
from app.sales.imports import single
from app.sales.schemas.invoices import ImportSchema
from tests.factories import a_sale
from wsgi import app

THREADS, IMPORTS = 4, 40


def main(name: str) -> None:
    """Import from several threads at once."""
    threads = [threading.Thread(target=_import, args=(f"{name}-{number}",)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _import(name: str) -> None:
    schema = ImportSchema()
    for number in range(IMPORTS):
        # A customer of its own: a shared one would make the transactions wait for each other.
        sale = a_sale(invoice_no=f"OUT-{name}-{number}", customer={"code": name, "name": name}, salesman=name)
        data = schema.load(json.decode(json.encode(sale)))
        with app.app_context(), unit_of_work():
            db.session.connection()  # an import alone would be committed by itself
            single.import_invoice(data, created_user_id=None)
            time.sleep(random.uniform(0, 0.05))


if __name__ == "__main__":
    main(sys.argv[1])
