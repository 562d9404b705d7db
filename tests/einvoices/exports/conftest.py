"""A month with its package, for all tests of packages."""

from __future__ import annotations

from tests.einvoices.exports.packages import month

__all__ = ["month"]
