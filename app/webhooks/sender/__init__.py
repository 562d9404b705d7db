"""The sender: claims, attempts, HTTP client, signatures, address filter, results, circuit breaker."""
