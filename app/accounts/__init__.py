"""Floor 2: who may do what; users, sessions, keys, the guard on every route, and the audit trail."""
