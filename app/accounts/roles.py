"""What a credential may do, and what each role's users may."""

from __future__ import annotations

ABILITIES: dict[str, str] = {
    "einvoices:read": "List e-invoices, read one, fetch its PDF.",
    "einvoices:status": "Write a provider's status back to an e-invoice.",
    "einvoices:write": "Make, issue, send, cancel, return and credit e-invoices.",
    "sales:import": "Import sales invoices and correct those in review.",
    "sales:read": "List and read sales invoices, and listen to their stream.",
    "sales:write": "Take sales invoices through the warehouse and return them to billing.",
    "grn:read": "List and read goods receipts, ledgers and master data.",
    "grn:write": "Book, change and delete goods receipts, ledgers and master data.",
    "events:read": "Read the event log and its live stream.",
    "webhooks:manage": "Manage webhook endpoints and their deliveries.",
}

_READING = frozenset(name for name in ABILITIES if name.endswith(":read"))

ROLES: dict[str, frozenset[str]] = {
    "admin": frozenset(ABILITIES),
    "billing": _READING | {"sales:import", "sales:write", "einvoices:write", "einvoices:status"},
    "warehouse": frozenset({"sales:read", "sales:write", "grn:read", "grn:write", "events:read"}),
    "integrator": _READING | {"sales:import", "grn:write", "einvoices:write", "einvoices:status", "webhooks:manage"},
}

#: An import key is given to one machine for one purpose: it posts, corrects, reads and listens.
API_KEY = frozenset({"sales:import", "sales:read"})
