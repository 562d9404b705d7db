"""QR codes as small pictures: a drawing of as many squares takes longer than the rest of a page."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_image(text: str) -> Markup:
    """An ``img`` of class ``qr``, one pixel to a square, without the white margin that it needs around it.

    Letters beyond ASCII are UTF-8, which is what scanners take them for. The style has to say
    ``image-rendering: pixelated``.
    """
    code = segno.make(text, error="m", micro=False, encoding=None if text.isascii() else "utf-8")
    return Markup('<img class="qr" alt="" src="{}">').format(code.png_data_uri(scale=1, border=0))
