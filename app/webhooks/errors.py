"""Errors of the webhook API."""

from __future__ import annotations

from app.kernel.errors import Conflict, Forbidden, NotFound
from app.kernel.messages import N_


class UnknownEndpoint(NotFound):
    """No endpoint has this id, or it belongs to another user."""


class UnknownDelivery(NotFound):
    """No delivery has this id, or its endpoint belongs to another user."""


class UnknownCheck(NotFound):
    """No check has this id, or it belongs to another endpoint."""


class OnItsWay(Conflict):
    message = N_("This delivery is being sent at this moment.")
    code = "DELIVERY_ON_ITS_WAY"


class StillWaiting(Conflict):
    message = N_("This delivery is still waiting for its turn; nothing has to be sent again.")
    code = "DELIVERY_WAITING"


class CheckRunning(Conflict):
    message = N_("A check of this endpoint is running.")
    code = "CHECK_RUNNING"


class NotYours(Forbidden):
    message = N_("Only a signed-in admin may allow addresses.")
    code = "ADMIN_ONLY"
