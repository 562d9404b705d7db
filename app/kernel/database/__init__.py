"""Helpers of models and SQL: CHECK constraints, and ids from sequences."""
