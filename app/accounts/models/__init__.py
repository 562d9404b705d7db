"""Tables of accounts: users, tokens, modules and what is kept of their use."""
