"""Commands of `flask`, one module per group."""
