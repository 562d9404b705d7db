"""Benchmarks behind the speed claims: each measures the hub and a reference in alternation in one run."""
