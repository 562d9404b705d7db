"""Tests of the canonical form and of stored documents."""
