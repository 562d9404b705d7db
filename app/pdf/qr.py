"""QR codes as small PNG images; WeasyPrint draws them much faster than vector squares."""

from __future__ import annotations

from dataclasses import dataclass

import segno
from markupsafe import Markup

#: The least width of a module that a phone reads from paper, and of a code, in millimetres.
_MODULE, _LEAST = 0.42, 26.0


@dataclass(frozen=True, slots=True)
class QrImage:
    """The ``img`` of a code, and the width in millimetres at which a phone reads it from paper."""

    image: Markup
    width: float

    def __html__(self) -> str:
        return self.image


def qr_image(text: str) -> QrImage:
    """An ``img`` of class ``qr``, one pixel per module, without the quiet zone that the page must leave around it.

    Text beyond ASCII is encoded as UTF-8, which scanners expect. The style must set ``image-rendering: pixelated``.
    """
    code = segno.make(text, error="m", micro=False, encoding=None if text.isascii() else "utf-8")
    image = Markup('<img class="qr" alt="" src="{}">').format(code.png_data_uri(scale=1, border=0))
    return QrImage(image, round(max(_LEAST, code.symbol_size(border=0)[0] * _MODULE), 1))
