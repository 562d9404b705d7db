"""The official rules (Schematron as XSLT), a second opinion; one process with one thread applies them."""
