"""E-invoices that the simulator has taken, their reports, and its settings: one SQLite file, or memory."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.einvoices.providers.behaviours import BEHAVIOURS, RECEIVED
from app.kernel import json
from app.provider_simulator.legal_files import LegalFile, LegalFileTable
from app.provider_simulator.store_schema import SCHEMA, SELECT_DOCUMENT

#: It takes no more e-invoices than this: to forget old ones would be to accept their repeats.
MAX_DOCUMENTS = 20_000
MAX_TARGETS = 100
#: A report is sent so many times at most, with these seconds between the attempts.
REPORT_ATTEMPTS, REPORT_PAUSE = 6, 5.0
_LONGEST_TEXT = 200


class Duplicate(Exception):
    """The invoice number of this seller is stored under another key, or the key under another number."""


class Full(Exception):
    """The list has ``MAX_DOCUMENTS`` e-invoices."""


@dataclass(frozen=True, slots=True)
class Document:
    """A stored e-invoice; ``word`` is its present status, ``answer`` the first one that was sent."""

    id: int
    account: str
    key: str
    seller: str
    invoice_no: str
    behaviour: str
    word: str
    first_word: str
    total: str
    stored_at: float
    received: int
    looked_up: int
    reports: int
    #: Of the legal document that came with it; None if none came.
    format: str | None = None
    sha256: str | None = None
    size: int | None = None

    @property
    def number(self) -> str:
        """The provider's own number of the e-invoice."""
        return f"SIM-{self.id:06}"


@dataclass(frozen=True, slots=True)
class DueReport:
    """A report that is to be sent now."""

    id: int
    document: Document
    word: str
    occurred_at: float
    url: str
    secret: str


class DocumentStore:
    """The list of e-invoices; every method may be called by several threads.

    Attributes:
        now: the clock, in seconds since 1970; a test may let time pass.
    """

    def __init__(self, file: Path | None = None, *, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._files = LegalFileTable(self._execute)
        self._connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; {SCHEMA}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def take(
        self, account: str, key: str, einvoice: Mapping[str, Any], behaviour: str, file: LegalFile | None = None
    ) -> tuple[Document, bool]:
        """Store an e-invoice with its legal document, and schedule its reports if the account has an address for them.

        Returns:
            The stored e-invoice, and whether it is new: under a key that is known, nothing is stored.

        Raises:
            Duplicate: the number belongs to another key, or the key to another number.
            Full: no e-invoice is taken any more.
        """
        seller, number = _seller_of(einvoice), str(einvoice["invoice_no"])
        with self._transaction():
            known = self._one("account = ? AND key = ?", account, key)
            if known is not None and (known.seller, known.invoice_no) == (seller, number):
                return self.repeat(account, key) or known, False
            same = "account = ? AND seller = ? AND invoice_no = ?"
            if known is not None or self._one(same, account, seller, number) is not None:
                raise Duplicate
            if self._execute("SELECT count(*) FROM documents").fetchone()[0] >= MAX_DOCUMENTS:
                raise Full
            document_id = self._insert((account, key, seller, number, _total_of(einvoice)), behaviour)
            self._files.add(document_id, file)
            return self._get(document_id), True

    def repeat(self, account: str, key: str) -> Document | None:
        """The e-invoice with a key; the request is counted."""
        with self._transaction():
            known = self._one("account = ? AND key = ?", account, key)
            if known is not None:
                self._execute("UPDATE documents SET received = received + 1 WHERE id = ?", known.id)
            return known

    def file_of(self, document_id: int) -> LegalFile | None:
        """The legal document of an e-invoice."""
        with self._lock:
            return self._files.find(document_id)

    def find(self, account: str, key: str, invoice_no: str) -> Document | None:
        """The e-invoice with a key and a number; the look-up is counted."""
        with self._transaction():
            found = self._one("account = ? AND key = ? AND invoice_no = ?", account, key, invoice_no)
            if found is not None:
                self._execute("UPDATE documents SET looked_up = looked_up + 1 WHERE id = ?", found.id)
            return found

    def documents(self, *, before: int | None = None, limit: int = MAX_DOCUMENTS) -> list[Document]:
        """Stored e-invoices, the newest first; ``before`` is an id."""
        with self._lock:
            rows = self._execute(
                f"{SELECT_DOCUMENT} WHERE d.id < ? ORDER BY d.id DESC LIMIT ?", self.now(), before or 2**62, limit
            )
            return [Document(**row) for row in rows]

    def count(self) -> int:
        """Number of stored e-invoices."""
        with self._lock:
            return int(self._execute("SELECT count(*) FROM documents").fetchone()[0])

    def clear(self) -> None:
        """Forget every e-invoice; the settings and the addresses stay."""
        with self._lock:
            self._execute("DELETE FROM documents")

    def report_now(self, document_id: int, word: str) -> bool:
        """Set the status of an e-invoice and schedule its report at once; false if there is no such e-invoice."""
        moment = self.now()
        with self._transaction():
            changed = self._execute(
                "UPDATE documents SET word = ?, word_from = ? WHERE id = ?", word, moment, document_id
            ).rowcount
            if changed:
                self._schedule(document_id, word, moment, moment)
            return bool(changed)

    def due_reports(self) -> list[DueReport]:
        """Reports to send now; an attempt of each is counted."""
        moment = self.now()
        with self._transaction():
            rows = self._execute(
                "SELECT r.id, r.document_id, r.word, r.occurred_at, t.url, t.secret FROM reports r "
                "JOIN documents d ON d.id = r.document_id JOIN targets t ON t.account = d.account "
                "WHERE NOT r.is_done AND r.due_at <= ? ORDER BY r.due_at, r.id LIMIT 100",
                moment,
            ).fetchall()
            for row in rows:
                self._execute(
                    "UPDATE reports SET attempts = attempts + 1, due_at = ?, is_done = attempts + 1 >= ? WHERE id = ?",
                    *(moment + REPORT_PAUSE, REPORT_ATTEMPTS, row["id"]),
                )
            return [DueReport(*(row["id"], self._get(row["document_id"])), *list(row)[2:]) for row in rows]

    def record_answer(self, report_id: int, answer: str, *, is_done: bool) -> None:
        """Record what the hub answered to a report."""
        with self._lock:
            self._execute(
                "UPDATE reports SET answer = ?, is_done = is_done OR ? WHERE id = ?",
                *(answer[:_LONGEST_TEXT], is_done, report_id),
            )

    def open_reports(self) -> int:
        """Number of reports that are still to be sent."""
        with self._lock:
            return int(self._execute("SELECT count(*) FROM reports WHERE NOT is_done").fetchone()[0])

    def answers_of(self, documents: Sequence[Document]) -> dict[int, list[str]]:
        """What the hub answered to the reports of some e-invoices, by their ids."""
        ids = [document.id for document in documents]
        found: dict[int, list[str]] = {number: [] for number in ids}
        with self._lock:
            marks = ",".join("?" * len(ids))
            query = f"SELECT document_id, word, answer FROM reports WHERE document_id IN ({marks}) ORDER BY id"  # noqa: S608 - only marks
            for row in self._execute(query, *ids):
                found[row["document_id"]].append(f"{row['word']}: {row['answer'] or '…'}")
        return found

    def set_target(self, account: str, url: str, secret: str) -> bool:
        """Set the address to which reports of an account go, and the secret that signs them; false if it is full."""
        with self._transaction():
            known = self.targets().keys() | {account}
            if len(known) > MAX_TARGETS:
                return False
            self._execute("INSERT OR REPLACE INTO targets VALUES (?, ?, ?)", account, url, secret)
            return True

    def targets(self) -> dict[str, str]:
        """The addresses to which reports go, by account."""
        with self._lock:
            return {row["account"]: row["url"] for row in self._execute("SELECT * FROM targets ORDER BY account")}

    def setting(self, name: str, default: Any) -> Any:
        """A stored setting."""
        with self._lock:
            row = self._execute("SELECT value FROM settings WHERE name = ?", name).fetchone()
            return default if row is None else json.decode(row["value"])

    def set_setting(self, name: str, value: Any) -> None:
        """Store a setting."""
        with self._lock:
            self._execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.encode_text(value))

    def _insert(self, facts: tuple[str, ...], behaviour: str) -> int:
        moment, chosen = self.now(), BEHAVIOURS[behaviour]
        is_reported = facts[0] in self.targets()
        first = RECEIVED if is_reported else chosen.last.word
        word_from = moment + max(chosen.last.occurred, 0) if is_reported else moment
        cursor = self._execute(
            "INSERT INTO documents (account, key, seller, invoice_no, total, behaviour, first_word, word, word_from, "
            "stored_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(*facts, behaviour, first, chosen.last.word, word_from, moment),
        )
        document_id = int(cursor.lastrowid or 0)
        for report in chosen.reports if is_reported else ():
            self._schedule(document_id, report.word, moment + report.due, moment + report.occurred)
        return document_id

    def _schedule(self, document_id: int, word: str, due_at: float, occurred_at: float) -> None:
        self._execute(
            "INSERT INTO reports (document_id, word, due_at, occurred_at) VALUES (?, ?, ?, ?)",
            *(document_id, word, due_at, occurred_at),
        )

    def _get(self, document_id: int) -> Document:
        found = self._one("d.id = ?", document_id)
        if found is None:
            raise KeyError(document_id)
        return found

    def _one(self, condition: str, *values: Any) -> Document | None:
        row = self._execute(f"{SELECT_DOCUMENT} WHERE {condition}", self.now(), *values).fetchone()
        return None if row is None else Document(**row)

    def _execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._execute("SAVEPOINT change")
            try:
                yield
            except BaseException:
                self._execute("ROLLBACK TO change")
                raise
            finally:
                self._execute("RELEASE change")


def _seller_of(einvoice: Mapping[str, Any]) -> str:
    """What tells one seller from another: the tax number, else the name."""
    seller = einvoice.get("seller")
    known = seller if isinstance(seller, Mapping) else {}
    return str(known.get("tax_id") or known.get("name") or "")[:_LONGEST_TEXT]


def _total_of(einvoice: Mapping[str, Any]) -> str:
    totals = einvoice.get("totals")
    known = totals if isinstance(totals, Mapping) else {}
    return f"{known.get('grand_total', '')} {known.get('currency', '')}".strip()[:_LONGEST_TEXT]
