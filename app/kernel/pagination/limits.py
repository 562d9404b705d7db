"""Page sizes and page numbers that lists accept."""

from __future__ import annotations

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
#: The last page number of lists that count all their rows.
MAX_PAGE_NUMBER = 100_000
