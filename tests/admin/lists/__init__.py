"""Tests of the lists of the pages."""
