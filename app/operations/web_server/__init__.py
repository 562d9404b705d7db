"""The web server: gunicorn's worker with its deadlines, its limits and the connections that answers take over."""
