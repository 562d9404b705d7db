"""Readers of changes miss none while others write."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.queries import change_clock
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import SETTLE_SECONDS, URL, create_draft, list_page, page_ids


def test_a_change_that_commits_late_is_not_missed(owner: FlaskClient) -> None:
    """One change is stamped first and commits last; a reader in between waits for neither and misses neither."""
    early, late = create_draft(owner), create_draft(owner)
    since = list_page(owner)["data"][0]["updated_at"]
    stamped, proceed = threading.Event(), threading.Event()

    def slow_change() -> None:
        with owner.application.app_context(), unit_of_work():
            values = {"moment": change_clock.stamp(), "id": early["id"]}
            db.session.execute(
                text("UPDATE e_invoices SET notes = 'slow', updated_at = :moment WHERE id = :id"), values
            )
            stamped.set()
            assert proceed.wait(20)

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(slow_change)
        assert stamped.wait(20)
        owner.patch(f"{URL}/{late['id']}", json={"notes": "fast"})
        between = list_page(owner, updated_since=since)
        proceed.set()
        slow.result()
    marks = [row["updated_at"] for row in between["data"]] or [since]
    time.sleep(SETTLE_SECONDS)
    after = list_page(owner, updated_since=max(marks))
    assert set(page_ids(between)) | set(page_ids(after)) >= {early["id"], late["id"]}
    assert early["id"] in page_ids(after)


def test_a_reader_sees_every_change_while_others_write(owner: FlaskClient) -> None:
    all_ids = [create_draft(owner)["id"] for _ in range(25)]
    done, last = threading.Event(), {}
    guard = threading.Lock()

    def write(number: int) -> None:
        rng = random.Random(number)
        for turn in range(40):
            chosen = rng.choice(all_ids)
            answer = owner.patch(f"{URL}/{chosen}", json={"notes": f"{number}.{turn}"})
            with guard:
                moment = answer.json["updated_at"]
                last[chosen] = max(last.get(chosen, ("", "")), (moment, answer.json["updated_at"]))

    seen: dict[int, set[str]] = {}
    mark = "2020-01-01T00:00:00Z"

    def read_pages() -> None:
        nonlocal mark
        newest, page = mark, 1
        while True:
            answer = list_page(owner, updated_since=mark, per_page=7, page=page)
            for row in answer["data"]:
                seen.setdefault(row["id"], set()).add(row["updated_at"])
                newest = max(newest, row["updated_at"])
            if page >= answer["meta"]["last_page"]:
                break
            page += 1
        mark = newest

    def read_until_done() -> None:
        while not done.is_set():
            read_pages()

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read_until_done)
        list(pool.map(write, range(4)))
        done.set()
        reader.result()
    time.sleep(SETTLE_SECONDS)
    read_pages()
    missed = {number: moments for number, moments in last.items() if moments[1] not in seen.get(number, set())}
    assert not missed
