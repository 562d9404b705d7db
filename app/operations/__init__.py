"""Floor 4: what operators look at and type; health, the API reference, commands, the web server's settings."""
