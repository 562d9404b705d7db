"""Evidence: for each owner a chain of records of what was issued, and a Merkle root of each day."""
