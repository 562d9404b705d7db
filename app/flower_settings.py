"""Celery settings of Flower, which does not load the hub: ``celery --config app.flower_settings flower``."""

from __future__ import annotations

from environs import FileAwareEnv

from app.redis_servers import RedisServers

#: Celery reads each name of this module as a setting.
_broker = RedisServers.parse(FileAwareEnv(strip_whitespace=True).str("REDIS_URL") or "").broker_settings(2.0)
broker_url = broker_read_url = broker_write_url = _broker["broker_url"]
broker_use_ssl = _broker["broker_use_ssl"]
broker_transport_options = _broker["broker_transport_options"]
broker_connection_retry_on_startup = True
