"""Writers of legal formats: pure functions of a canonical form, with the same bytes every time."""
