"""Tests of the pages about lists."""
