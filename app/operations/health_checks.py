"""Health endpoints: liveness, readiness, and consumption of the queues."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.guards import public
from app.events import last_position
from app.extensions import bus, db
from app.kernel.errors import Busy
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
from app.kernel.messages import N_, Message
from app.kernel.schemas.fields import Schema
from app.kernel.schemas.list_field import List
from app.kernel.storage.store_health import storage_state
from app.kernel.worker.heartbeat import Process, processes
from app.operations.monitoring import queue_drain, queue_health

blp = ApiBlueprint("Operations", __name__, description="Liveness, readiness and health of the queues.")


class LivenessSchema(Schema):
    """The process is alive."""

    status = fields.String()


class ReadinessSchema(Schema):
    """State of each server: ``ok`` or the error. A hub without Redis or storage is ``degraded`` and still ready."""

    status = fields.String()
    database = fields.String()
    redis = fields.String()
    storage = fields.String()


class QueueHealthSchema(Schema):
    """``age_seconds`` since a canary left the queue; ``reason`` when the age is over the limit."""

    sometimes = frozenset({"reason"})

    status = fields.String()
    age_seconds = fields.Float(allow_none=True)
    limit_seconds = fields.Float()
    reason = fields.String()


class WorkHealthSchema(Schema):
    """Health of every queue; ``lost`` names processes that disappeared in the last hour without a clean exit."""

    status = fields.String()
    queues = fields.Dict(keys=fields.String(), values=fields.Nested(QueueHealthSchema))
    lost = List(fields.String())


_WORK_EXAMPLE = {
    "status": "ok",
    "queues": {"default": {"status": "ok", "age_seconds": 1.4, "limit_seconds": 12.0}},
    "lost": [],
}


class NotConsumed(Busy):
    """The canary of a queue is overdue; ``data`` names the queues and the lost processes."""

    message = N_("The queue default is not worked on.")
    code = "NOT_CONSUMED"


@blp.route("/healthz")
class Liveness(MethodView):
    @public
    @blp.response(200, LivenessSchema, example={"status": "ok"})
    def get(self) -> dict[str, str]:
        """Answer 200 if the process can answer.

        It asks no other server; `/readyz` does.
        """
        return {"status": "ok"}


@blp.route("/readyz")
class Readiness(MethodView):
    @public
    @refuses(Busy)
    @blp.response(200, ReadinessSchema, example={"status": "ok", "database": "ok", "redis": "ok", "storage": "ok"})
    def get(self) -> dict[str, Any]:
        """Report whether requests can be served: the database answers and its tables exist.

        Redis and the storage of files are reported but not required: without Redis imports continue, and streams catch
        up later; without storage PDFs are made later, and cannot be read meanwhile.
        """
        database, redis = _database(), _redis()
        if database != "ok":
            raise Busy(Message(N_("The database is not ready: %(error)s"), error=database))
        state = storage_state()
        status = "ok" if redis == state == "ok" else "degraded"
        return {"status": status, "database": database, "redis": redis, "storage": state}


@blp.route("/healthz/worker")
class Work(MethodView):
    @public
    @refuses(NotConsumed)
    @blp.response(200, WorkHealthSchema, example=_WORK_EXAMPLE)
    def get(self) -> dict[str, Any]:
        """Report whether workers consume every queue, by the canaries that pass through the queues.

        503 names each queue whose canary is three ticks late, and the cause: no worker is alive, or a worker is up
        and does not consume. A queue that operators have drained is reported as drained and is not an error.
        """
        db.session.execute(text("SET LOCAL statement_timeout = 2000"))
        known, lost, drains = _processes()
        queues = queue_health.health(known, drains)
        shown = {queue.queue: _queue_json(queue) for queue in queues}
        late = [queue for queue in queues if queue.is_red]
        if late:
            data = {"status": "red", "queues": shown, "lost": lost}
            raise NotConsumed(" ".join(queue.reason for queue in late), data=data)
        return {"status": "ok", "queues": shown, "lost": lost}


def _processes() -> tuple[list[Process] | None, list[str], dict[str, queue_drain.Drain]]:
    try:
        known, drains = processes(), queue_drain.list_drains()
    except RedisError:
        return None, [], {}
    return known, [process.name for process in known if process.is_lost], drains


def _queue_json(queue: queue_health.QueueHealth) -> dict[str, Any]:
    facts = {"age_seconds": queue.age_seconds, "limit_seconds": queue.limit_seconds}
    if queue.drain:
        return {"status": "drained", **facts}
    return {"status": "red", **facts, "reason": queue.reason} if queue.is_red else {"status": "ok", **facts}


def _database() -> str:
    try:
        db.session.execute(text("SET LOCAL statement_timeout = 2000"))
        last_position()
    except SQLAlchemyError as error:
        db.session.rollback()
        return type(error).__name__
    return "ok"


def _redis() -> str:
    try:
        bus.client.ping()
    except RedisError as error:
        return type(error).__name__
    return "ok"
