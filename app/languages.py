"""The languages of the hub: pages, papers and e-invoices. Every other list of languages derives from this one."""

from __future__ import annotations

#: The language of the code, of the APIs and of whatever has no translation.
SOURCE = "en"
#: Code -> the name in the language itself.
LANGUAGES = {SOURCE: "English", "tr": "Türkçe"}
