"""PgBouncer in transaction mode, as Debian packages it: many imports and lists over few server connections."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from app.config import Settings
from app.extensions import db
from app.kernel.http.app import Hub
from tests.conftest import IMPORT_KEY
from tests.drills.hubs import free_port
from tests.factories import a_sale

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(PGBOUNCER is None, reason="Debian's package pgbouncer is not installed"),
]


@pytest.fixture
def bouncer(settings: Settings, app: Hub) -> Iterator[str]:
    """URL of a PgBouncer with three connections to the PostgreSQL of the tests."""
    url = urlsplit(settings.database_url)
    socket_dir = Path(parse_qs(url.query)["host"][0])
    port, owner = free_port(), socket_dir.stat()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        file = Path(folder) / "pgbouncer.ini"
        file.write_text(f"""
[databases]
{url.path[1:]} = host={socket_dir} user={url.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
""")
        Path(folder).chmod(0o755)
        user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        process = subprocess.Popen([str(PGBOUNCER), "-q", str(file)], **user)  # type: ignore[call-overload]
        try:
            result = f"postgresql://{url.username}@127.0.0.1:{port}{url.path}"
            _wait_until_ready(result)
            yield result.replace("postgresql://", "postgresql+psycopg://")
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_ready(url: str) -> None:
    for _ in range(100):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


def test_imports_and_lists_work_in_transaction_mode(bouncer: str, app_with: Callable[..., Hub]) -> None:
    hub = app_with(database_url=bouncer, database_pool_size=8)

    def work(worker: int) -> set[int]:
        client, statuses = hub.test_client(), set()
        client.environ_base["HTTP_X_API_KEY"] = IMPORT_KEY
        for number in range(30):
            sale = a_sale(invoice_no=f"PB-{worker}-{number}")
            statuses.add(client.post("/api/sales/import/invoice/", json=sale).status_code)
            found = client.get("/api/sales/invoices/", query_string={"search": sale["invoice_no"]})
            statuses.add(found.status_code if found.json["count"] == 1 else 0)
        return statuses

    with ThreadPoolExecutor(8) as pool:
        statuses = set().union(*pool.map(work, range(8)))
    with hub.app_context():
        db.engine.dispose()
    print(f"\nPgBouncer, transaction mode: 240 imports, 240 searches, answers {sorted(statuses)}")
    assert statuses == {200, 201}


def test_only_a_pooler_turns_prepared_statements_off(bouncer: str, app_with: Callable[..., Hub]) -> None:
    def threshold(**changes: str) -> int | None:
        with app_with(**changes).app_context(), db.engine.connect() as connection:
            driver: psycopg.Connection = connection.connection.driver_connection
            return driver.prepare_threshold

    assert threshold(database_url=bouncer) is None
    assert threshold() == 5
