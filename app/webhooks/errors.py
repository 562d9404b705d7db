"""What webhooks refuse."""

from __future__ import annotations

from app.kernel.errors import Conflict, Forbidden, NotFound


class UnknownEndpoint(NotFound):
    """There is none with this id, or it is somebody else's."""


class UnknownDelivery(NotFound):
    """There is none with this id, or it is somebody else's."""


class UnknownCheck(NotFound):
    """There is none with this id, or it belongs to another endpoint."""


class OnItsWay(Conflict):
    message = "This delivery is being sent at this moment."
    code = "DELIVERY_ON_ITS_WAY"


class StillWaiting(Conflict):
    message = "This delivery is still waiting for its turn; nothing has to be sent again."
    code = "DELIVERY_WAITING"


class CheckRunning(Conflict):
    message = "A check of this endpoint is running."
    code = "CHECK_RUNNING"


class NotYours(Forbidden):
    message = "Only an admin may allow addresses."
    code = "ADMIN_ONLY"
