"""Operations (layer 4): health, monitoring, CLI, backup, API reference, tracing, gunicorn settings."""
