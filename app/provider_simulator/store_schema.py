"""Tables of the simulator's file, and the query that reads an e-invoice."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, key TEXT NOT NULL,
  seller TEXT NOT NULL, invoice_no TEXT NOT NULL, behaviour TEXT NOT NULL, first_word TEXT NOT NULL,
  word TEXT NOT NULL, word_from REAL NOT NULL, total TEXT NOT NULL, stored_at REAL NOT NULL,
  received INTEGER NOT NULL DEFAULT 1, looked_up INTEGER NOT NULL DEFAULT 0,
  UNIQUE (account, key), UNIQUE (account, seller, invoice_no));
CREATE TABLE IF NOT EXISTS reports (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document_id INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
  word TEXT NOT NULL, due_at REAL NOT NULL, occurred_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, answer TEXT,
  is_done INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS reports_due ON reports (due_at) WHERE NOT is_done;
CREATE INDEX IF NOT EXISTS reports_document ON reports (document_id);
CREATE TABLE IF NOT EXISTS legal_files (
  document_id INTEGER PRIMARY KEY REFERENCES documents ON DELETE CASCADE, format TEXT NOT NULL,
  media_type TEXT NOT NULL, file_name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, content BLOB);
CREATE TABLE IF NOT EXISTS targets (account TEXT PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
#: Takes the present time as its first value.
SELECT_DOCUMENT = (
    "SELECT d.id, account, key, seller, invoice_no, behaviour, first_word, total, stored_at, received, looked_up, "
    "CASE WHEN word_from <= ? THEN word ELSE first_word END AS word, "
    "(SELECT count(*) FROM reports r WHERE r.document_id = d.id AND r.answer IS NOT NULL) AS reports, "
    "f.format, f.sha256, f.size FROM documents d LEFT JOIN legal_files f ON f.document_id = d.id"
)
