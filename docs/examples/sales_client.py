"""An ERP's side of Invoice Hub in plain Python: posts invoices, listens, and answers reviews with corrections.

    export HUB_URL=http://localhost:8000 HUB_API_KEY=…
    python sales_client.py post invoice.json
    python sales_client.py listen corrections.json

``corrections.json`` holds, by invoice number, what to send to ``PATCH /api/sales/update/invoice/``.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("HUB_URL", "http://localhost:8000").rstrip("/")
KEY = os.environ.get("HUB_API_KEY", "")
ATTEMPTS = 8
LONGEST_WAIT = 60.0
#: Three keep-alives missed (one comes every 15 seconds): the connection is dead, whatever TCP thinks.
SILENCE = 45


def call(method, path, payload):
    """Send JSON until there is a final answer; gives its status and body.

    A lost connection, 429 and 5xx are tried again, later each time and never at the same moment as others. That is
    safe: the hub knows an invoice by its number, and a correction only applies to an invoice in review.
    """
    data = json.dumps(payload).encode()
    headers = {"Content-Type": "application/json", "X-API-KEY": KEY}
    for attempt in range(ATTEMPTS):
        request = urllib.request.Request(URL + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 429 and error.code < 500:
                    return error.code, json.load(error)
                told = error.headers.get("Retry-After")
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            told = None
        if attempt + 1 < ATTEMPTS:
            time.sleep(pause(attempt, told))
    sys.exit(f"{method} {path}: no answer after {ATTEMPTS} attempts")


def pause(attempt, told):
    """Seconds to wait: what the server said, else doubling, each with jitter."""
    if told and told.isdigit():
        return int(told) + random.uniform(0, 1)
    return random.uniform(0, min(LONGEST_WAIT, 0.5 * 2**attempt))


def post(path):
    """Import the invoice of a file; done when it is stored, be it by this attempt or by an earlier one."""
    with open(path, encoding="utf-8") as file:
        invoice = json.load(file)
    status, body = call("POST", "/api/sales/import/invoice/", invoice)
    if status == 201:
        print(f"imported {body['data']['invoice_no']} as {body['data']['id']}")
    elif status == 409 and body["data"]["identical"]:
        print(f"already there: {body['data']['invoice_no']} as {body['data']['id']}")
    elif status == 409:
        sys.exit(f"{body['data']['invoice_no']} was imported before and differs: {body['data']['differences']}")
    else:
        sys.exit(f"refused with {status}: {body['message']} {json.dumps(body.get('errors', {}))}")


def listen(path):
    """Follow the stream for ever, and answer each review for which there is a correction."""
    with open(path, encoding="utf-8") as file:
        corrections = json.load(file)
    for invoice in invoices():
        number = invoice["invoice_no"]
        print(f"{number}: {invoice['status']}", flush=True)
        if invoice.get("type") == "invoice_review" and number in corrections:
            correct(number, corrections[number])


def correct(number, correction):
    """Send a correction; one that was sent before is refused because the invoice has left review."""
    status, body = call("PATCH", "/api/sales/update/invoice/", {"invoice_no": number, **correction})
    if status == 200:
        print(f"corrected {number}: {body['data']['status']}, {body['data']['total_amount']}", flush=True)
    elif status == 400 and "REVIEW" in str(body.get("errors", {}).get("invoice_no")):
        print(f"{number} has left review already", flush=True)
    else:
        print(f"correction of {number} refused with {status}: {json.dumps(body)}", file=sys.stderr, flush=True)


def invoices():
    """Full invoices as they change; after a break the stream goes on behind the last one seen."""
    last, attempt = None, 0
    while True:
        headers = {"X-API-KEY": KEY, "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        try:
            request = urllib.request.Request(URL + "/api/sales/sse/invoices/", headers=headers)
            with urllib.request.urlopen(request, timeout=SILENCE) as stream:
                for event, data, identity in frames(stream):
                    attempt = 0
                    if event == "message":
                        yield json.loads(data)
                    # Only now: who is cut off before this is sent the frame again.
                    last = identity or last
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 429 and error.code < 500:
                sys.exit(f"the stream was refused with {error.code}")
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            pass  # cut off: come back
        time.sleep(pause(attempt, None))
        attempt = min(attempt + 1, 8)


def frames(stream):
    """Name, data and id of each event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    fields = {}
    for raw in stream:
        line = raw.decode().rstrip("\r\n")
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields['data']}\n{value}" if name == "data" and "data" in fields else value
        else:
            if "data" in fields:
                yield fields.get("event", "message"), fields["data"], fields.get("id")
            fields = {}


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {"post", "listen"}:
        sys.exit(__doc__)
    if not KEY:
        sys.exit("HUB_API_KEY is not set")
    {"post": post, "listen": listen}[sys.argv[1]](sys.argv[2])
