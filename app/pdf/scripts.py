"""Scripts that the fonts of the machine print: a sample of each, and the Debian package with its font."""

from __future__ import annotations

from collections.abc import Mapping

#: The package, then the scripts that need it. ``app/local/setup.sh`` and the image install these packages.
FONT_PACKAGES: Mapping[str, Mapping[str, str]] = {
    "fonts-noto-core": {
        "Bengali": "ক",
        "Gujarati": "ગ",
        "Gurmukhi": "ਪ",
        "Kannada": "ಕ",
        "Telugu": "త",
        "Sinhala": "ස",
        "Odia": "ଓ",
        "Khmer": "ខ",
        "Lao": "ລ",
        "Burmese": "မ",
        "Ethiopic": "አ",
    },
    "fonts-wqy-zenhei": {"Chinese": "卷", "Japanese": "カ", "Korean": "한", "square units (㎡)": "㎡"},
    "fonts-noto-color-emoji": {"emoji": "🧵"},
}
