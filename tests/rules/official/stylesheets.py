"""Small rule sets for tests: stylesheets that write a report in SVRL."""

from __future__ import annotations

from pathlib import Path

_SHEET = (
    '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:svrl="http://purl.oclc.org/dsdl/svrl" '
    'version="3.0">{top}<xsl:template match="/">{body}</xsl:template></xsl:stylesheet>'
)
REPORT = "<svrl:schematron-output>{}</svrl:schematron-output>"
FAULT = (
    '<svrl:failed-assert id="NEW-1" flag="fatal" location="/*:Invoice[namespace-uri()=\'urn:x\'][1]">'
    "<svrl:text>A newer rule.</svrl:text></svrl:failed-assert>"
)


def write_set(folder: Path, name: str, body: str = REPORT.format(""), *, top: str = "") -> Path:
    """A stylesheet ``name``, as ``ubl/en16931-1.3.17.xslt``, whose report is ``body``."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_SHEET.format(top=top, body=body))
    return path
