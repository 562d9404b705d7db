"""A receiver for Invoice Hub webhooks in Flask: checks the timestamp and the signature, and ignores repeated events.

    pip install flask
    WEBHOOK_SECRET=whsec_… python webhook_receiver.py

Replace ``handle`` with the work that your system does for an event.
"""

import hashlib
import hmac
import json
import os
import sqlite3
import time

from flask import Flask, request

#: Separated by commas: during a rotation the old and the new secret.
SECRETS = [secret for secret in os.environ["WEBHOOK_SECRET"].split(",") if secret]
TOLERANCE = 300  # seconds
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 4 * 1024 * 1024

seen = sqlite3.connect(os.environ.get("WEBHOOK_STORE", "seen.db"), isolation_level=None, check_same_thread=False)
seen.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")


def handle(event):
    """Your own work; keep it short, or put the event into your own queue."""
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
    body = request.get_data()  # the raw bytes; after parsing and serializing they may differ
    timestamp = request.headers.get("X-Webhook-Timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return {"error": "The timestamp is too old or too new; is the clock right?"}, 401
    if not is_signed(body):
        return {"error": "The signature is wrong."}, 401
    event = json.loads(body)
    with seen:  # stored only when the work is done: after a crash the hub sends the event again
        seen.execute("BEGIN IMMEDIATE")
        if seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (event["id"],)).rowcount:
            handle(event)
    return "", 204


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8080")), threaded=False)
