"""What a person sees once the hub is ready: where to look and what to type."""

from __future__ import annotations

import http.client
import re
import shlex
import time
from collections.abc import Mapping
from pathlib import Path

from app.local.console import print_line
from app.local.settings import ENVIRONMENT_FILE
from app.processes import ROOT

_READY_PATH = "/readyz"
_HTTP_OK = 200
#: After so long a wait the person is told what the hub waits for, and again after each such time.
_NOTICE_SECONDS = 30.0


class ReadyBanner:
    """Asks the hub until it is ready and then prints the banner, once."""

    def __init__(self, environment: Mapping[str, str], began: float) -> None:
        self._environment = environment
        self._began = began
        self._next_notice = began + _NOTICE_SECONDS
        self.shown = False

    def tick(self) -> None:
        """Ask once; to be called again and again."""
        if self.shown:
            return
        answer = _ready_status(self._environment)
        now = time.monotonic()
        if answer == str(_HTTP_OK):
            self.shown = True
            print(banner_text(self._environment, now - self._began), flush=True)
        elif now > self._next_notice:
            self._next_notice = now + _NOTICE_SECONDS
            print_line(f"still waiting: GET {_READY_PATH} says {answer}.")


def _ready_status(environment: Mapping[str, str]) -> str:
    connection = http.client.HTTPConnection(_loopback_host(environment), int(environment["PORT"]), timeout=1.0)
    try:
        connection.request("GET", _READY_PATH)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


def _loopback_host(environment: Mapping[str, str]) -> str:
    """Where this machine reaches itself: a server on all addresses answers on loopback too."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(environment["HOST"], environment["HOST"])  # noqa: S104


def _quoted(text: str) -> str:
    """Double quotes, as the documents write them, where the shell sees nothing special in the text."""
    return f'"{text}"' if re.fullmatch(r"[\w :.+/=-]+", text) else shlex.quote(text)


def banner_text(environment: Mapping[str, str], seconds: float) -> str:
    """The lines of the banner; the API key is shown, no other secret is."""
    host = _loopback_host(environment)
    address = f"http://{'localhost' if host == '127.0.0.1' else host}:{environment['PORT']}"
    file = Path(environment["DATA_DIR"]) / ENVIRONMENT_FILE
    key = _quoted(f"X-API-KEY: {environment['SALES_IMPORT_API_KEY'].split(',')[0]}")
    sample = shlex.quote(str(ROOT / "docs/examples/invoice.json"))
    flask = f"{shlex.quote(str(ROOT / '.venv/bin/python'))} -m flask --app wsgi --help"
    return f"""
Invoice Hub is ready ({seconds:.1f} s).
  Address    {address}/
  API        {address}/docs
  Celery     http://localhost:{environment["FLOWER_PORT"]}/ (user admin, the same password)
  Admin      {environment["ADMIN_EMAIL"]}, its password is ADMIN_PASSWORD in {file}
  Commands   . {shlex.quote(str(file))} && {flask}

Watch the stream:
  curl -N "{address}/api/sales/sse/invoices/" -H {key}
Import an invoice:
  curl -X POST "{address}/api/sales/import/invoice/" -H "Content-Type: application/json" -H {key} -d @{sample}

Ctrl-C stops everything.
"""
