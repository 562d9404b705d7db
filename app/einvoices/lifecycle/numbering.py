"""Gap-free invoice numbers: allocated at issue in the same transaction, one at a time for each series; gap report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.einvoices.models.sellers import SellerProfile
from app.einvoices.models.series import TEST_PREFIX, EinvoiceSeries
from app.einvoices.sellers import is_indian, series_year
from app.extensions import db
from app.rules.profiles import LegalProfile

_TURKISH_PREFIX = 3
_TEST_NUMBERS = 900_000_000


@dataclass(frozen=True, slots=True)
class AllocatedNumber:
    """A number of a series, and the invoice number that contains it (``EA-2026-000456``).

    ``official_no`` is the same number in the form of the seller's country, if that wants another one.
    """

    series_id: int
    number: int
    invoice_no: str
    official_no: str | None


def official_number(seller: SellerProfile, year: int, number: int, *, is_test: bool = False) -> str | None:
    """The number on legal documents: ``ABC2026000000456`` in Türkiye, ``EA/26-27/456`` in India; else None.

    Türkiye wants a prefix of exactly three characters, and India at most 16 characters in all. A test document has a
    number that no legal one gets: ``ABC2026900000456``, ``EA/26-27/T456``.
    """
    if is_indian(seller):
        return f"{seller.prefix}/{year % 100:02}-{(year + 1) % 100:02}/{'T' * is_test}{number}"
    number += _TEST_NUMBERS * is_test
    is_turkish = seller.country == "TR" or LegalProfile.UBL_TR in (seller.legal_profiles or ())
    return f"{seller.prefix}{year}{number:09}" if is_turkish and len(seller.prefix) == _TURKISH_PREFIX else None


def next_number(seller: SellerProfile, moment: datetime, *, is_test: bool = False) -> str:
    """The number on legal documents that the next issue would draw."""
    year, prefix = series_year(seller, moment), _series_prefix(seller, is_test=is_test)
    query = select(EinvoiceSeries.last_number).filter_by(owner_id=seller.owner_id, prefix=prefix, year=year)
    number = (db.session.scalar(query) or 0) + 1
    return official_number(seller, year, number, is_test=is_test) or invoice_number(prefix, year, number)


def invoice_number(prefix: str, year: int, number: int) -> str:
    """The number that people and the ERP know."""
    return f"{prefix}-{year}-{number:06}"


def allocate(seller: SellerProfile, moment: datetime, *, is_test: bool = False) -> AllocatedNumber:
    """Allocate the next number of a series. Its row stays locked until the commit; a rollback frees the number.

    Test documents have series of their own, so that they take no legal number.
    """
    year = series_year(seller, moment)
    prefix = _series_prefix(seller, is_test=is_test)
    series = insert(EinvoiceSeries).values(owner_id=seller.owner_id, prefix=prefix, year=year, last_number=1)
    statement = series.on_conflict_do_update(
        index_elements=["owner_id", "prefix", "year"], set_={"last_number": EinvoiceSeries.last_number + 1}
    ).returning(EinvoiceSeries.id, EinvoiceSeries.last_number)
    series_id, number = db.session.execute(statement).one()
    official_no = official_number(seller, year, number, is_test=is_test)
    return AllocatedNumber(series_id, number, invoice_number(prefix, year, number), official_no)


def _series_prefix(seller: SellerProfile, *, is_test: bool) -> str:
    return f"{TEST_PREFIX}{seller.prefix}" if is_test else seller.prefix


_REPORT = text(
    """
    SELECT s.prefix, s.year, starts_with(s.prefix, :test_prefix) AS is_test, s.last_number,
        count(e.id) AS count, min(e.number) AS first, max(e.number) AS last,
        count(e.id) FILTER (WHERE e.status = 'cancelled') AS cancelled
    FROM e_invoice_series s LEFT JOIN e_invoices e ON e.series_id = s.id
    WHERE s.owner_id = :owner_id
    GROUP BY s.id ORDER BY s.year DESC, s.prefix
    """
)
#: Ranges of missing numbers: before each number that does not follow the previous one, and after the last number.
_GAPS = text(
    """
    SELECT prefix, year, below + 1 AS first, number - 1 AS last FROM (
        SELECT s.prefix, s.year, n.number, lag(n.number, 1, 0) OVER (PARTITION BY s.id ORDER BY n.number) AS below
        FROM e_invoice_series s
        JOIN LATERAL (
            SELECT e.number FROM e_invoices e WHERE e.series_id = s.id UNION ALL SELECT s.last_number + 1
        ) n ON true
        WHERE s.owner_id = :owner_id
    ) steps WHERE number > below + 1 ORDER BY year DESC, prefix, first
    """
)


def series_report(owner_id: int) -> Sequence[dict[str, Any]]:
    """Each series of an owner, counted from its invoices: first, last, count, gaps, cancelled."""
    rows = [
        dict(row) for row in db.session.execute(_REPORT, {"owner_id": owner_id, "test_prefix": TEST_PREFIX}).mappings()
    ]
    gaps = db.session.execute(_GAPS, {"owner_id": owner_id}).mappings().all()
    for row in rows:
        row["gaps"] = [
            {"first": gap["first"], "last": gap["last"]}
            for gap in gaps
            if (gap["prefix"], gap["year"]) == (row["prefix"], row["year"])
        ]
    return rows
