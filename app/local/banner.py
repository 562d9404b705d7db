"""Banner of the local run: addresses, credentials and sample commands, printed once the hub is ready."""

from __future__ import annotations

import http.client
import re
import shlex
import time
from collections.abc import Mapping
from pathlib import Path

from app.local.console import print_line
from app.local.settings import ENVIRONMENT_FILE, SIMULATOR_PORT
from app.processes import ROOT

_READY_PATH = "/readyz"
_HTTP_OK = 200
#: Seconds between notices about what the start waits for.
_NOTICE_SECONDS = 30.0


class ReadyBanner:
    """Polls the readiness endpoint and prints the banner once the hub is ready."""

    def __init__(self, environment: Mapping[str, str], started: float) -> None:
        self._environment = environment
        self._started = started
        self._next_notice = started + _NOTICE_SECONDS
        self.shown = False

    def tick(self) -> None:
        """Poll once; the process group calls it regularly."""
        if self.shown:
            return
        status = _ready_status(self._environment)
        now = time.monotonic()
        if status == str(_HTTP_OK):
            self.shown = True
            print(banner_text(self._environment, now - self._started), flush=True)
        elif now > self._next_notice:
            self._next_notice = now + _NOTICE_SECONDS
            print_line(f"still waiting: GET {_READY_PATH} returns {status}.")


def _ready_status(environment: Mapping[str, str]) -> str:
    connection = http.client.HTTPConnection(loopback_host(environment), int(environment["PORT"]), timeout=1.0)
    try:
        connection.request("GET", _READY_PATH)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


def loopback_host(environment: Mapping[str, str]) -> str:
    """Address for connections from this machine: loopback when the server listens on all addresses."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(environment["HOST"], environment["HOST"])  # noqa: S104


def _quoted(text: str) -> str:
    """Text in double quotes, as in the documentation, when it has no character that is special in a shell."""
    return f'"{text}"' if re.fullmatch(r"[\w :.+/=-]+", text) else shlex.quote(text)


def banner_text(environment: Mapping[str, str], seconds: float) -> str:
    """Text of the banner; it shows the API key and no other secret."""
    host = loopback_host(environment)
    address = f"http://{'localhost' if host == '127.0.0.1' else host}:{environment['PORT']}"
    file = Path(environment["DATA_DIR"]) / ENVIRONMENT_FILE
    key = _quoted(f"X-API-KEY: {environment['SALES_IMPORT_API_KEY'].split(',')[0]}")
    sample = shlex.quote(str(ROOT / "docs/examples/invoice.json"))
    simulator = environment.get(SIMULATOR_PORT)
    provider = (
        f"\n  Provider   http://localhost:{simulator}/ (a simulator of an e-invoice provider)" if simulator else ""
    )
    flask = f"{shlex.quote(str(ROOT / '.venv/bin/python'))} -m flask --app wsgi --help"
    return f"""
Invoice Hub is ready ({seconds:.1f} s).
  Address    {address}/
  API        {address}/docs
  Celery     http://localhost:{environment["FLOWER_PORT"]}/ (user admin, its password is FLOWER_PASSWORD in {file})
  Admin      {environment["ADMIN_EMAIL"]}, its password is ADMIN_PASSWORD in {file}{provider}
  Commands   . {shlex.quote(str(file))} && {flask}

Watch the stream:
  curl -N "{address}/api/sales/sse/invoices/" -H {key}
Import an invoice:
  curl -X POST "{address}/api/sales/import/invoice/" -H "Content-Type: application/json" -H {key} -d @{sample}

Ctrl-C stops everything.
"""
