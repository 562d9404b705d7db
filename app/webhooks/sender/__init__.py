"""Sending: claims, attempts, HTTP client, signatures, circuit breaker."""
