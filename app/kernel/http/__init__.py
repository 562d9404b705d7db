"""HTTP layer: the Flask class, error handling, OpenAPI document, rate limit headers."""
