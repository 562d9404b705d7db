"""Refusals of accounts."""

from __future__ import annotations

from app.kernel.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
from app.kernel.http.error_handlers import CONSTRAINTS
from app.kernel.messages import N_


class InvalidApiKey(Unauthenticated):
    message = N_("Invalid API key")


class InvalidToken(Unauthenticated):
    message = N_("Token is invalid.")


class TokenReused(InvalidToken):
    """A refresh token was used a second time: somebody copied it, so its session has been ended."""

    keeps_evidence = True


class TokenExpired(Unauthenticated):
    message = N_("Token has expired.")
    code = "TOKEN_EXPIRED"


class WrongPassword(Unauthenticated):
    """The same answer for an unknown address, a wrong password and a deactivated user."""

    message = N_("E-mail or password is wrong.")
    keeps_evidence = True


class AddressNotAllowed(Forbidden):
    message = N_("This credential may not be used from this address.")
    code = "IP_NOT_ALLOWED"


class ScopedTokenRefused(InvalidToken):
    """A known scoped token was refused. The audit row of the attempt is committed, as for the next two classes."""

    keeps_evidence = True


class ScopedTokenExpired(TokenExpired):
    keeps_evidence = True


class ScopedTokenAddressRefused(AddressNotAllowed):
    keeps_evidence = True


class UnknownToken(NotFound):
    message = N_("No such token.")


class TokenEnded(Conflict):
    message = N_("This token has expired or was revoked; make a new one.")


class TooManyTokens(Conflict):
    message = N_("This user has as many valid tokens as it may have; revoke one first.")
    code = "TOO_MANY_TOKENS"


class ApiKeyEnded(Conflict):
    message = N_("This key has expired or was revoked; make a new one.")


class LastAdmin(Conflict):
    message = N_("This is the last active admin; make another one first.")


class UnknownUser(NotFound):
    message = N_("No user has this e-mail address.")


class EmailTaken(Conflict):
    message = N_("A user with this e-mail address already exists.")


class KeyReused(Unprocessable):
    message = N_("This Idempotency-Key was already used with a different request.")
    code = "IDEMPOTENCY_KEY_REUSED"


class KeyInUse(Conflict):
    message = N_("The first request with this Idempotency-Key is still running.")
    code = "IDEMPOTENCY_KEY_IN_USE"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class UnknownInvitation(NotFound):
    message = N_("This invitation was used or replaced, or it has expired. Ask an administrator for a new one.")


class InactiveUser(Conflict):
    message = N_("This user is inactive.")


CONSTRAINTS["uq_users_email"] = EmailTaken
