"""Lists of e-invoices at 1,000,000 against the same questions at 10,000, over HTTP in process."""

from __future__ import annotations

import base64
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
from flask.testing import FlaskClient

from app import create_app
from app.accounts import modules, service, sessions
from app.config import Settings
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.local.servers import temporary_servers

SMALL, LARGE, ROUNDS, WARM_UP = 10_000, 1_000_000, 120, 20
LIST = "/api/v1/einvoices"
#: Changed over two years; the last 500 are of the last hour, whatever the size.
FILL = """
    INSERT INTO e_invoice_series (owner_id, prefix, year, last_number) SELECT id, 'EA', 2026, {count} FROM users;
    INSERT INTO e_invoices (owner_id, status, type, series_id, number, invoice_no, issued_at, marketplace,
        marketplace_order_no, buyer_name, buyer_email, currency, subtotal, discount_total, tax_total, grand_total,
        provider, created_at, updated_at)
    SELECT u.id,
        CASE WHEN n > {count} - 500 THEN 'issued' WHEN n % 4 = 0 THEN 'sent' ELSE 'accepted' END, 'sale', s.id, n,
        'EA-2026-' || lpad(n::text, 7, '0'), now(), (ARRAY['trendyol', 'n11', 'hepsiburada'])[1 + n % 3],
        'TY-' || n, 'Buyer ' || (n % 5000), 'b' || n || '@shop.example', 'TRY', 100, 0, 20, 120, 'null', now(),
        CASE WHEN n > {count} - 500 THEN now() - interval '1 hour' * ({count} - n) / 500
             ELSE now() - interval '1 day' - interval '700 days' * ({count} - n) / {count} END
    FROM users u, e_invoice_series s, generate_series(1, {count}) AS n;
    INSERT INTO e_invoice_pdfs (einvoice_id, path, sha256, state, due_at)
    SELECT id, 'x', 'x', 'done', now() FROM e_invoices;
"""


def run() -> None:
    """Print medians of each question at both sizes, asked in turns, their ratio, and the large one's p99."""
    with ExitStack() as stack:
        small, large = (_questions(stack.enter_context(_filled(count)), count) for count in (SMALL, LARGE))
        print(f"\nThe same question over HTTP (in process), asked in turns {ROUNDS} times, ms")
        print(f"{'':<36}{SMALL:>10,}{LARGE:>12,}{'ratio':>8}{'p99':>8}")
        for name in small:
            before, after = _asked_in_turns(small[name], large[name])
            ratio = statistics.median(after) / statistics.median(before)
            p99 = statistics.quantiles(after, n=100)[98]
            print(
                f"{name:<36}{statistics.median(before):>10.2f}{statistics.median(after):>12.2f}{ratio:>8.2f}{p99:>8.1f}"
            )
    print("aim: a ratio of at most 1.5, and a p99 under 20")


@contextmanager
def _filled(count: int) -> Iterator[FlaskClient]:
    fast = {"fsync": "off", "synchronous_commit": "off", "max_wal_size": "8GB", "maintenance_work_mem": "512MB"}
    with temporary_servers({**fast, "shared_buffers": "512MB"}) as (postgres, valkey):
        settings = Settings(
            environment="test",
            secret_key="a secret of the benches, long enough for production",
            database_url=postgres.url.replace("postgresql://", "postgresql+psycopg://"),
            redis_url=valkey.url,
            storage_dir=Path(tempfile.gettempdir()),
            log_level="ERROR",
        )
        app = create_app(settings)
        with app.app_context():
            flask_migrate.upgrade(directory="migrations")
            with unit_of_work():
                facts = {"role": "integrator", "name": "Bench", "actor": "bench"}
                user = service.create_user(email="bench@hub.example", password="correct horse battery staple", **facts)
                modules.enable(user, "feature.einvoice_api", actor="bench")
                token = sessions.open_session(user)["access"]
            _fill(postgres.url, count)
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        yield client
        with app.app_context():
            db.engine.dispose()


def _fill(url: str, count: int) -> None:
    """With the indexes made afterwards, which takes a fifth of the time."""
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('e_invoices', 'e_invoice_pdfs')"
            " AND indexdef NOT LIKE '%UNIQUE%'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute(FILL.format(count=count))
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE")


def _questions(client: FlaskClient, count: int) -> dict[str, Callable[[], Any]]:
    lately, long_ago = _iso(hours=1), _iso(days=1000)
    paths = {
        "first page": "",
        "page 20": "page=20",
        "filter by status, few": "status=issued",
        "filter by status, most": "status=accepted",
        "filter by marketplace": "marketplace=n11",
        "filter by status and marketplace": "status=issued&marketplace=n11",
        "filter by type": "type=sale",
        "first page by cursor": "cursor=",
        "deep page by cursor": f"cursor={_cursor(count // 2)}",
        "status, deep page by cursor": f"status=sent&cursor={_cursor(count // 2)}",
        "updated_since, an hour": f"updated_since={lately}",
        "updated_since, an hour, page 5": f"updated_since={lately}&page=5",
        "updated_since, an hour, status": f"updated_since={lately}&status=issued&page=2",
        "updated_since, all": f"updated_since={long_ago}",
        "updated_since, all, status": f"updated_since={long_ago}&status=accepted",
        "updated_since, all, by cursor": f"updated_since={long_ago}&cursor=",
        "search, whole number": f"search=EA-2026-{count - 7:07}",
        "search, many hits, by cursor": "search=shop&cursor=",
    }
    return {name: _ask(client, f"{LIST}?{query}") for name, query in paths.items()}


def _ask(client: FlaskClient, path: str) -> Callable[[], Any]:
    def ask() -> None:
        answer = client.get(path)
        if answer.status_code != 200 or not answer.json["data"]:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")

    return ask


def _iso(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cursor(einvoice_id: int) -> str:
    return base64.urlsafe_b64encode(str(einvoice_id).encode()).decode().rstrip("=")


def _asked_in_turns(*asks: Callable[[], Any]) -> list[list[float]]:
    taken: list[list[float]] = [[] for _ in asks]
    for number in range(ROUNDS + WARM_UP):
        for times, ask in zip(taken, asks, strict=True):
            started = time.perf_counter()
            ask()
            if number >= WARM_UP:
                times.append((time.perf_counter() - started) * 1000)
    return taken
