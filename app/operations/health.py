"""Liveness and readiness, for load balancers and for people."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.guards import public
from app.events import head
from app.extensions import bus, db
from app.kernel.errors import Busy
from app.kernel.openapi import refuses
from app.kernel.schemas import Schema
from app.kernel.web import Surface

blp = Surface("Operations", __name__, description="Is it alive, is it ready?")


class LivenessSchema(Schema):
    """Alive."""

    status = fields.String()


class ReadinessSchema(Schema):
    """Each part with ``ok`` or what is wrong; a hub without Redis is degraded and still ready."""

    status = fields.String()
    database = fields.String()
    redis = fields.String()


@blp.route("/healthz")
class Liveness(MethodView):
    @public
    @blp.response(200, LivenessSchema, example={"status": "ok"})
    def get(self) -> dict[str, str]:
        """Answer as long as the process can answer."""
        return {"status": "ok"}


@blp.route("/readyz")
class Readiness(MethodView):
    @public
    @refuses(Busy)
    @blp.response(200, ReadinessSchema, example={"status": "ok", "database": "ok", "redis": "ok"})
    def get(self) -> dict[str, Any]:
        """Tell whether requests can be served: the database answers and its tables are there.

        Redis is reported and not required: without it imports go on and streams catch up later.
        """
        database, redis = _database(), _redis()
        if database != "ok":
            raise Busy(f"The database is not ready: {database}")
        return {"status": "ok" if redis == "ok" else "degraded", "database": database, "redis": redis}


def _database() -> str:
    try:
        db.session.execute(text("SET LOCAL statement_timeout = 2000"))
        head()
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
