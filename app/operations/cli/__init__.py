"""Commands of ``flask``; one module for each area."""
