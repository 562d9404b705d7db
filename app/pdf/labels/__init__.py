"""Labels with a QR code: on A4 sheets from any place on, or one on each page of a thermal printer."""
