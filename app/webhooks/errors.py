"""Errors of the webhook API."""

from __future__ import annotations

from collections.abc import Sequence

from app.kernel.errors import Conflict, Forbidden, NotFound
from app.kernel.messages import N_, Message


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


class TooManyEndpoints(Conflict):
    message = N_("This user has as many webhook endpoints as it may have; delete one first.")
    code = "TOO_MANY_ENDPOINTS"


class EventsNotReadable(Forbidden):
    """The events contain data that the caller may not read elsewhere."""

    code = "ABILITY_MISSING"

    def __init__(self, abilities: Sequence[str] = ("sales:read",)) -> None:
        text = Message(
            N_("These events need abilities that you do not have: %(abilities)s."), abilities=", ".join(abilities)
        )
        super().__init__(text, data={"abilities": list(abilities)})


class NotYours(Forbidden):
    message = N_("Only a signed-in admin may allow addresses.")
    code = "ADMIN_ONLY"
