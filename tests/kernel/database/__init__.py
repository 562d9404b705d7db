"""Tests of the database helpers of the kernel."""
