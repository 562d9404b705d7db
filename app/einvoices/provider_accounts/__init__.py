"""Accounts of sellers at providers: directory, connection test, mapping of words, callbacks, secrets."""
