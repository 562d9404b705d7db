"""Samples of e-invoices for the API reference; taken from the e-invoice document where it has one."""

from __future__ import annotations

from typing import Any

DRAFT: dict[str, Any] = {
    "buyer": {
        "name": "Ayşe Yılmaz",
        "email": "ayse@example.com",
        "phone": "+90 555 000 00 00",
        "tax_id": "12345678901",
        "address": "Bahariye Cad. 12\n34710 Kadıköy, İstanbul",
    },
    "items": [{"sku": "TSH-1", "name": "Tişört", "quantity": 2, "unit_price": 50, "vat_rate": 20}],
    "currency": "TRY",
    "marketplace": "trendyol",
    "marketplace_order_no": "TY-ORDER-001",
    "metadata": {"erp_id": "A-77"},
}

EINVOICE: dict[str, Any] = {
    "id": 456,
    "invoice_no": "EA-2026-000456",
    "status": "issued",
    "type": "sale",
    "is_test": False,
    "issued_at": "2026-02-01T12:00:00.000000Z",
    "issued_on": "2026-02-01",
    "marketplace": "trendyol",
    "marketplace_order_no": "TY-ORDER-001",
    "buyer": {"name": "Ayşe Yılmaz", "email": "ayse@example.com", "phone": "+90 555 000 00 00"},
    "totals": {"subtotal": 100.0, "tax_total": 20.0, "discount_total": 0.0, "grand_total": 120.0, "currency": "TRY"},
    "provider": "http",
    "provider_status": "queued",
    "provider_invoice_id": None,
    "pdf_url": "/api/v1/einvoices/456/pdf",
    "updated_at": "2026-02-01T12:00:01.000000Z",
    "metadata": {"erp_id": "A-77"},
}

_ITEM: dict[str, Any] = {
    "id": 901,
    "sku": "TSH-1",
    "name": "Tişört",
    "quantity": 2.0,
    "unit_price": 50.0,
    "vat_rate": 20.0,
    "vat_amount": 20.0,
    "discount_amount": 0.0,
    "total": 120.0,
}

DETAIL: dict[str, Any] = {
    **EINVOICE,
    "buyer": {**DRAFT["buyer"], "tax_office": "", "shipping_address": "", "is_business": None},
    "original_id": None,
    "corrects_id": None,
    "corrected_by_id": None,
    "sales_invoice_no": None,
    "allow_duplicate_order": False,
    "notes": "",
    "reason": "",
    "provider_account_id": 7,
    "waiting_because": None,
    "tax_rule": "per_rate",
    "payable": 120.0,
    "pdf_state": "done",
    "pdf_error": None,
    "created_at": "2026-02-01T11:59:00.000000Z",
    "items": [_ITEM],
    "events": [
        {
            "id": 31,
            "type": "issued",
            "payload": {"actor": "user:7", "invoice_no": "EA-2026-000456"},
            "created_at": "2026-02-01T12:00:00.000000Z",
        }
    ],
}

NEW: dict[str, Any] = {
    **DETAIL,
    "invoice_no": None,
    "status": "draft",
    "issued_at": None,
    "issued_on": None,
    "provider_status": None,
    "pdf_url": None,
    "pdf_state": None,
}

CREDIT: dict[str, Any] = {
    **NEW,
    "id": 460,
    "type": "credit_note",
    "original_id": 456,
    "reason": "One was torn",
    "items": [{**_ITEM, "id": 910, "quantity": 1.0, "vat_amount": 10.0, "total": 60.0}],
    "payable": 60.0,
    "totals": {"subtotal": 50.0, "tax_total": 10.0, "discount_total": 0.0, "grand_total": 60.0, "currency": "TRY"},
}

CREDIT_REQUEST: dict[str, Any] = {"items": [{"item_id": 901, "quantity": 1}], "reason": "One was torn"}

#: Sample of the e-invoice document.
PROVIDER_STATUS: dict[str, Any] = {
    "provider_status": "accepted",
    "provider_invoice_id": "PRV-999",
    "raw": {"provider_message": "OK"},
}

LIST: dict[str, Any] = {
    "data": [EINVOICE],
    "meta": {"current_page": 1, "per_page": 20, "total": 1, "last_page": 1, "next_cursor": None},
}

SERIES: dict[str, Any] = {
    "data": [
        {
            "prefix": "EA",
            "year": 2026,
            "is_test": False,
            "first": 1,
            "last": 456,
            "last_number": 456,
            "count": 456,
            "cancelled": 3,
            "gaps": [],
        }
    ]
}

READINESS: dict[str, Any] = {
    "ready": False,
    "missing": [
        {"field": "seller.tax_id", "message": "The tax number of the seller is missing.", "profile": "basic"},
        {
            "field": "buyer.address",
            "message": "The buyer is a company, and its address is missing.",
            "profile": "basic",
        },
    ],
    "conflicts": [
        {
            "error": "SALE_IN_REVIEW",
            "message": "The sales invoice is in review; billing corrects it first.",
            "data": None,
        }
    ],
    "findings": [
        {
            "profile": "ubl-tr",
            "rule": "unitCode",
            "severity": "error",
            "field": "items.0.unit",
            "message": "This field is required.",
            "terms": ["BT-130"],
            "path": "cac:InvoiceLine[1]/cbc:InvoicedQuantity/@unitCode",
            "hint": "Complete or correct items.0.unit.",
        }
    ],
}

_LINK: dict[str, Any] = {
    "id": 7,
    "created_by": "token:3",
    "created_at": "2026-02-01T12:00:00.000000Z",
    "expires_at": "2027-02-01T12:00:00.000000Z",
    "revoked_at": None,
    "last_used_at": None,
    "is_valid": True,
}
LINKS: dict[str, Any] = {"data": [{**_LINK, "last_used_at": "2026-02-02T08:30:00.000000Z"}]}
NEW_LINK: dict[str, Any] = {**_LINK, "url": "https://hub.example/pdf/ihub_pdf_0123456789abcdef0123456789abcdef"}

SELLER: dict[str, Any] = {
    "name": "Kumaş Ltd. Şti.",
    "tax_id": "1234567890",
    "tax_office": "Osmangazi",
    "address": "Sanayi Cad. 1\n16200 Osmangazi, Bursa",
    "email": "fatura@kumas.example",
    "phone": "",
    "website": "",
    "bank": "",
    "footer": "",
    "language": "tr",
    "currency": "TRY",
    "country": "TR",
    "timezone": "Europe/Istanbul",
    "prefix": "EA",
    "default_vat_rate": 20.0,
    "prices_include_vat": False,
    "provider": "null",
    "tax_scheme": "vkn",
    "legal_profiles": ["ubl-tr"],
    "payment_days": 30,
    "postal_address": {"street": "Sanayi Cad. 1", "district": "Osmangazi", "city": "Bursa", "country": "TR"},
    "logo_sha256": None,
}
