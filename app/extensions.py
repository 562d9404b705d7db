"""Extensions without an application; ``create_app()`` binds them."""

from __future__ import annotations

from typing import Any

from celery import Celery
from flask_jwt_extended import JWTManager
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from redis import Redis
from sqlalchemy import Engine, MetaData
from sqlalchemy.orm import DeclarativeBase

from app.redis_servers import RedisServers

#: Fixed names of constraints: the error handlers recognise a lost race by them.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class RoutedSession(Session):
    """A session whose statements go to the engine that ``choose_engine`` names; None stands for that of the models."""

    @staticmethod
    def choose_engine() -> Engine | None:
        return None

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        return self.choose_engine() or super().get_bind(*args, **kwargs)


class Model(DeclarativeBase):
    """Base class of all models."""

    metadata = MetaData(naming_convention=NAMING)


#: ``expire_on_commit`` is off: a request answers with rows of its one transaction.
db: Any = SQLAlchemy(model_class=Model, session_options={"class_": RoutedSession, "expire_on_commit": False})
jwt = JWTManager()
#: ``kernel/http/rate_limit_headers.py`` writes its headers.
limiter = Limiter(key_func=get_remote_address)
celery = Celery("invoice-hub", task_cls="app.kernel.worker.celery_app:HubTask")


#: Time limit of each connection and each answer of Redis.
REDIS_SECONDS = 2.0


class RedisBus:
    """The Redis client of a process; with sentinels it follows the master."""

    client: Redis
    servers: RedisServers

    def init_app(self, url: str) -> None:
        self.servers = RedisServers.parse(url)
        self.client = self.servers.client(REDIS_SECONDS, health_check_interval=10, decode_responses=True)


bus = RedisBus()
