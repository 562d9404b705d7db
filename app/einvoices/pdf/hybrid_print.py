"""``print_factur_x()``: the PDF of an e-invoice as PDF/A-3b with its CII inside."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from PIL import Image

from app.einvoices.models.sellers import SellerLogo
from app.einvoices.pdf import context
from app.formats.writers.factur_x import FILE_NAME, xmp_metadata
from app.pdf.hybrid_file import EmbeddedFile, render_archive

_DESCRIPTION = "Factur-X invoice"
#: A JPEG for print: PDF/A with an output intent of sRGB cannot have its colours.
_PRINT_COLOURS, _SCREEN_COLOURS = "CMYK", "RGB"
_JPEG = "image/jpeg"


def print_factur_x(data: Mapping[str, Any], cii: bytes, moment: datetime) -> bytes:
    """The PDF of a template context, in one part, with the document ``cii`` as ``factur-x.xml``.

    Args:
        data: as ``context.build_context()`` makes it, with a logo from ``archive_logo()``.
        moment: when the e-invoice was issued; the same input gives the same bytes.
    """
    file = EmbeddedFile(FILE_NAME, cii, moment, xmp_metadata(), _DESCRIPTION)
    return render_archive(context.TEMPLATES, context.TEMPLATE, data, file)


def archive_logo(logo: SellerLogo) -> SellerLogo:
    """The logo in the colours of screens; the same one if it has them."""
    if logo.media_type != _JPEG:
        return logo
    with Image.open(io.BytesIO(logo.content)) as image:
        if image.mode != _PRINT_COLOURS:
            return logo
        stream = io.BytesIO()
        image.convert(_SCREEN_COLOURS).save(stream, "JPEG", quality=95)
    return SellerLogo(sha256=logo.sha256, media_type=_JPEG, content=stream.getvalue())
