"""Signature lines of the goods receipt note."""

from __future__ import annotations

import io

from flask.testing import FlaskClient
from pypdf import PdfReader

from app.grn.papers import print_job
from tests.factories import a_fabric_item
from tests.grn.papers.helpers import create_receipt, get_pdf


def test_no_page_has_signature_lines_alone(clerk: FlaskClient) -> None:
    """Where the lines do not fit below the last row, that row goes with them."""
    for count in (25, 26, 28):  # the lines of 26 to 28 rolls do not fit
        receipt = create_receipt(clerk, a_fabric_item(*[10.0] * count))
        print_job.print_due()
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(get_pdf(clerk, receipt).data)).pages]
        [signed] = [text for text in pages if "Approved by" in text]
        assert len(pages) == (1 if count == 25 else 2)
        assert "Total" in signed
