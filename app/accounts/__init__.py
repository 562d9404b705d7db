"""Layer 2: users, credentials, abilities, the guard of every route, modules and the audit trail."""
