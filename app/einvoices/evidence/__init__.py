"""Evidence of e-invoices: what is recorded in the chain of their owner, and its proofs."""
