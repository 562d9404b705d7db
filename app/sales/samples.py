"""Samples of the sales document (with its missing brace added), for the API reference."""

from __future__ import annotations

from typing import Any

PAYLOAD: dict[str, Any] = {
    "invoice_no": "LTPI-77282",
    "invoice_date": "2025-01-18",
    "salesman": "Ajay",
    "created_by": "admin",
    "priority": "HIGH",
    "customer": {
        "code": "CUST-889",
        "name": "LifeCare Pharmacy",
        "area": "Kozhikode",
        "address1": "Near Railway Station",
        "address2": "",
        "phone1": "9876543210",
        "phone2": "",
        "email": "lifecare@shop.com",
    },
    "items": [
        {
            "name": "Paracetamol 650mg",
            "item_code": "PR650",
            "barcode": "BC-PR650",
            "quantity": 20,
            "mrp": 3.5,
            "company_name": "Sun Pharma",
            "packing": "10x10 Tablets",
            "shelf_location": "R-12",
            "remarks": "",
        },
        {
            "name": "Otrivin Nasal Spray",
            "item_code": "OTN10",
            "barcode": "BC-OTN10",
            "quantity": 10,
            "mrp": 85.0,
            "company_name": "Novartis",
            "packing": "10ml Bottle",
            "shelf_location": "G-04",
            "remarks": "",
        },
    ],
}

IMPORTED: dict[str, Any] = {
    "success": True,
    "message": "Invoice imported successfully",
    "data": {
        "id": 123,
        "invoice_no": "LTPI-77282",
        "total_amount": 920.0,
        "total_difference": None,
        "status": "INVOICED",
        "billing_status": "BILLED",
        "priority": "HIGH",
        "created_at": "2025-01-18T09:30:00.000000Z",
    },
}

CORRECTION: dict[str, Any] = {
    "invoice_no": "INV-001",
    "items": [
        {"item_code": "MED001", "barcode": "BC-MED001", "mrp": 145.5, "batch_no": "B456"},
        {"item_code": "MED002", "barcode": "BC-MED002", "quantity": 2, "mrp": 55},
    ],
    "replace_items": False,
    "resolution_notes": "Fixed batch number and updated MRP",
}

_TOTALS = ((20, 3.5), (10, 85.0))

INVOICE: dict[str, Any] = {
    **{name: PAYLOAD[name] for name in ("invoice_no", "invoice_date", "created_by", "priority")},
    "id": 123,
    "status": "INVOICED",
    "billing_status": "BILLED",
    "customer": {"id": 7, **PAYLOAD["customer"], "address3": "", "pincode": ""},
    "salesman": {"id": 3, "name": "Ajay"},
    "created_user": None,
    "temp_name": "",
    "remarks": "",
    "items": [
        {
            "id": 410 + number,
            "line_no": number,
            **item,
            "batch_no": "",
            "expiry_date": None,
            "line_total": quantity * price,
        }
        for number, (item, (quantity, price)) in enumerate(zip(PAYLOAD["items"], _TOTALS, strict=True), start=1)
    ],
    "total_amount": 920.0,
    "Total": None,
    "total_difference": None,
    "handling": None,
    "hold": None,
    "label_count": None,
    "delivery": None,
    "return_info": None,
    "metadata": None,
    "created_at": "2025-01-18T09:30:00.000000Z",
    "updated_at": "2025-01-18T09:30:00.000000Z",
}

STEPPED: dict[str, Any] = {
    **INVOICE,
    "status": "PICKING",
    "handling": {
        "section": "PICKING",
        "worker": {"id": 5, "name": "Ravi"},
        "session_id": 31,
        "since": "2025-01-18T09:45:00.000000Z",
    },
}

RETURNED: dict[str, Any] = {
    **INVOICE,
    "status": "REVIEW",
    "billing_status": "REVIEW",
    "return_info": {
        "id": 9,
        "return_reason": "Batch on the box is B456",
        "returned_from_section": "PICKING",
        "returned_from_status": "PICKING",
        "returned_by": "Asha",
        "returned_at": "2025-01-18T10:05:00.000000Z",
        "resolution_notes": "",
        "resolved_by": None,
        "resolved_at": None,
    },
}

HISTORY: list[dict[str, Any]] = [
    {
        "id": 0,
        "step": "imported",
        "from_status": None,
        "to_status": "INVOICED",
        "actor": "admin",
        "actor_id": None,
        "worker": None,
        "worker_id": None,
        "note": "",
        "details": {},
        "at": "2025-01-18T09:30:00.000000Z",
    },
    {
        "id": 88,
        "step": "billing.correct",
        "from_status": "REVIEW",
        "to_status": "PICKING",
        "actor": "SALES_IMPORT_API_KEY",
        "actor_id": None,
        "worker": "Ravi",
        "worker_id": 5,
        "note": "Fixed batch number and updated MRP",
        "details": {
            "changes": {
                "items": [
                    {
                        "line_no": 1,
                        "item_code": "MED001",
                        "barcode": "BC-MED001",
                        "change": "changed",
                        "fields": {"batch_no": {"old": "B455", "new": "B456"}},
                    }
                ]
            }
        },
        "at": "2025-01-18T10:20:00.000000Z",
    },
]
