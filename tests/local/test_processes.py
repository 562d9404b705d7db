"""The table of processes agrees with the queues."""

from __future__ import annotations

from app.celery_config import Queue
from app.processes import PROCESSES


def test_every_queue_has_a_worker() -> None:
    served = {queue for process in PROCESSES for queue in process.queues}
    assert served == set(Queue)


def test_a_worker_command_names_its_queues() -> None:
    for process in PROCESSES:
        if process.queues:
            assert ",".join(process.queues) in process.command


def test_no_command_carries_a_secret() -> None:
    arguments = [word for process in PROCESSES for word in process.arguments({"DATA_DIR": "/data"})]
    assert not [word for word in arguments if "password" in word.lower() or "auth" in word.lower()]
    assert "/data/beat-schedule" in arguments
