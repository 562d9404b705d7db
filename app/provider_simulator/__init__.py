"""Layer 4: the provider simulator, a small server that takes e-invoices as a provider does, for tests."""
