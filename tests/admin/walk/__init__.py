"""A walk through every page in every size, theme and language; run by hand, it is no part of the test suite."""
