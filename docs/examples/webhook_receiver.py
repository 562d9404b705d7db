"""A receiver of Invoice Hub's webhooks with Flask: checks the signature, the clock and repeats, in that order.

    pip install flask
    WEBHOOK_SECRET=whsec_… python webhook_receiver.py

Replace ``handle`` by what your system does with an event.
"""

import hashlib
import hmac
import json
import os
import sqlite3
import time

from flask import Flask, request

#: Separated by commas: during a rotation the old one and the new one.
SECRETS = [secret for secret in os.environ["WEBHOOK_SECRET"].split(",") if secret]
TOLERANCE = 300  # seconds
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 4 * 1024 * 1024

seen = sqlite3.connect(os.environ.get("WEBHOOK_STORE", "seen.db"), isolation_level=None, check_same_thread=False)
seen.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")


def handle(event):
    """Your own work; keep it short, or put the event into a queue of yours."""
    print(event["event"], event["id"], flush=True)


def is_signed(body):
    """Whether the body is signed with one of our secrets, compared in constant time."""
    signed = request.headers.get("X-Webhook-Timestamp", "").encode() + b"." + body
    given = [request.headers.get(name, "") for name in ("X-Webhook-Signature", "X-Webhook-Signature-Previous")]
    for secret in SECRETS:
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        if any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in given):
            return True
    return False


@app.post("/hooks")
def receive():
    body = request.get_data()  # the raw bytes: parsed and written again they would not be the same
    timestamp = request.headers.get("X-Webhook-Timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return {"error": "The timestamp is too old or too new; is the clock right?"}, 401
    if not is_signed(body):
        return {"error": "The signature is wrong."}, 401
    event = json.loads(body)
    with seen:  # remembered only when the work is done; a crash in between has it sent again
        seen.execute("BEGIN IMMEDIATE")
        if seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (event["id"],)).rowcount:
            handle(event)
    return "", 204


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8080")), threaded=False)
