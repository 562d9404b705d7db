"""Abilities, and the abilities of each role and of import keys."""

from __future__ import annotations

from app.kernel.messages import N_

ABILITIES: dict[str, str] = {
    "einvoices:read": N_("List e-invoices, read one, fetch its PDF."),
    "einvoices:status": N_("Write a provider's status back to an e-invoice."),
    "einvoices:write": N_("Make, issue, send, cancel, return and credit e-invoices; manage provider accounts."),
    "sales:import": N_("Import sales invoices and correct those in review."),
    "sales:read": N_("List and read sales invoices, and listen to their stream."),
    "sales:write": N_("Take sales invoices through the warehouse and return them to billing."),
    "grn:read": N_("List and read goods receipts, ledgers and master data."),
    "grn:write": N_("Book, change and delete goods receipts, ledgers and master data."),
    "audit:read": N_("Read the audit trail: who did what, when and from where."),
    "evidence:read": N_("Read the evidence: chains, daily roots and proofs; export a month with its documents."),
    "events:read": N_("Read the events of the domains that you may read: their log and live stream."),
    "webhooks:manage": N_("Manage webhook endpoints and their deliveries."),
}

_READ = frozenset(name for name in ABILITIES if name.endswith(":read"))

ROLES: dict[str, frozenset[str]] = {
    "admin": frozenset(ABILITIES),
    "billing": _READ | {"sales:import", "sales:write", "einvoices:write", "einvoices:status"},
    "warehouse": frozenset({"sales:read", "sales:write", "grn:read", "grn:write", "events:read"}),
    "integrator": _READ | {"sales:import", "grn:write", "einvoices:write", "einvoices:status", "webhooks:manage"},
}

#: Abilities of every API key: import, correct and read sales invoices, and read their stream.
API_KEY = frozenset({"sales:import", "sales:read"})
