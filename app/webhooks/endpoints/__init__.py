"""Endpoints: settings, health, secrets and the receiver check."""
