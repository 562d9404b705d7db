"""The package of a month: its documents, lists, and the part of the chain that proves them, as one ZIP file."""
