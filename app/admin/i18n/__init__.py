"""Languages of the pages: labels of codes, translated messages, extraction."""
