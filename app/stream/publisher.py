"""Publisher: sends the batches of the relay to every web process through one Redis channel."""

from __future__ import annotations

from app import events
from app.extensions import bus
from app.kernel import json
from app.kernel.unit_of_work import after_commit

CHANNEL = "hub:events"


def publish_batch(batch: events.Batch) -> None:
    """Publish a batch after its commit; an empty batch publishes the head as a heartbeat.

    A message may get lost: a process notices the gap by the next head and reads the log.
    """
    message = json.encode_text(
        {
            "head": batch.head,
            "events": [
                {"position": e.position, "type": e.type, "owner_id": e.owner_id, "body": e.body} for e in batch.events
            ],
        }
    )
    after_commit(lambda: bus.client.publish(CHANNEL, message))
