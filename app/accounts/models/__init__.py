"""Tables of accounts: users, sessions, keys, tokens, audit trail, API calls, idempotency keys."""
