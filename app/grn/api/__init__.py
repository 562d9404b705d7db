"""Routes of the goods-receipt API."""
