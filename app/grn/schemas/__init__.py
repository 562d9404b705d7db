"""Schemas of the goods-receipt API."""
