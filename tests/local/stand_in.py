"""Program under test: the real launcher, process group and servers with simple processes instead of the app."""

from __future__ import annotations

import os
import sys

from app.local.launcher import launch
from app.processes import HubProcess

WEB = """
import http.server, os, sys

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass

sys.stdin.read()
print("web started", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""
TABLE = (
    HubProcess("web", (sys.executable, "-c", WEB), loads_early=True),
    # It has a child that ends when its parent is killed, like the children of Celery and gunicorn.
    HubProcess("worker", ("sh", "-c", "setpriv --pdeathsig KILL sleep 1234 & exec sleep ${WORKER_SECONDS:-1234}")),
    HubProcess("stubborn", ("sh", "-c", "trap '' TERM; while true; do sleep 0.1; done")),
)
PREPARATIONS = (HubProcess("migrations", ("sh", "-c", "echo migrating; exit ${MIGRATION_EXIT:-0}")),)

if __name__ == "__main__":
    table = TABLE if "STUBBORN" in os.environ else TABLE[:2]
    sys.exit(launch(os.environ, table, PREPARATIONS))
