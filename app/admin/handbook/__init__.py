"""The handbook: a short chapter for each desk, in each language of the pages."""
