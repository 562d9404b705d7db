"""Sales invoices as files: JSON, NDJSON, CSV and XLSX, in and out."""
