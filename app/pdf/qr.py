"""QR codes as small PNG images; WeasyPrint draws them much faster than vector squares."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_image(text: str) -> Markup:
    """An ``img`` of class ``qr``, one pixel per module, without the quiet zone that the page must leave around it.

    Text beyond ASCII is encoded as UTF-8, which scanners expect. The style must set ``image-rendering: pixelated``.
    """
    code = segno.make(text, error="m", micro=False, encoding=None if text.isascii() else "utf-8")
    return Markup('<img class="qr" alt="" src="{}">').format(code.png_data_uri(scale=1, border=0))
