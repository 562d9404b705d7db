"""Tests of the official rule sets."""
