"""``/api/v1/provider-accounts``: manage accounts, test their connection, and take the callbacks of providers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request
from flask.views import MethodView

from app.accounts.guards import public
from app.accounts.idempotency import idempotent
from app.accounts.ownership import actor, may_allow, owner_id, scope
from app.einvoices import account_samples as samples
from app.einvoices.access import requires_einvoices
from app.einvoices.errors import (
    AccountHasDocuments,
    AccountInDoubt,
    AccountInTest,
    AccountNameTaken,
    AllowancesNotYours,
    TooManyAccounts,
    UnknownAccount,
    UnknownEinvoice,
    WrongSignature,
)
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.provider_accounts import account_lists, callbacks, connection_test, directory
from app.einvoices.schemas.provider_accounts import (
    CallbackRotationSchema,
    ProviderAccountChangeSchema,
    ProviderAccountDraftSchema,
    ProviderAccountListSchema,
    ProviderAccountQuery,
    ProviderAccountSchema,
    ProviderAccountSecretSchema,
    ProviderCallbackAnswerSchema,
    ProviderCallbackSchema,
)
from app.extensions import limiter
from app.kernel.errors import TooManyRequests
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.client_address import client_network
from app.kernel.http.openapi import refuses
from app.kernel.outbound.url_resolution import resolves, stored_urls

#: Callbacks of one network to one account, whether they are signed or not.
CALLBACK_LIMIT = "600 per minute"
View = Callable[..., Any]
blp = ApiBlueprint(
    "Provider accounts",
    __name__,
    url_prefix="/api/v1/provider-accounts",
    description="Accounts at providers that e-invoices are sent through, and callbacks of the providers.",
)


def _stored_urls(account_id: int) -> dict[str, str]:
    return stored_urls(lambda row_id: directory.find(row_id, scope()), account_id, directory.URLS)


@blp.route("")
class Accounts(MethodView):
    @requires_einvoices("einvoices:read")
    @blp.arguments(ProviderAccountQuery, location="query")
    @blp.response(200, ProviderAccountListSchema, example=samples.LIST)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List accounts, newest first."""
        return account_lists.find_page(query, scope())

    @requires_einvoices("einvoices:write")
    @refuses(AllowancesNotYours, TooManyAccounts, AccountNameTaken)
    @resolves(*directory.URLS)
    @idempotent(sealed=True)
    @blp.arguments(ProviderAccountDraftSchema, example=samples.DRAFT)
    @blp.response(201, ProviderAccountSecretSchema, example=samples.WITH_SECRET)
    def post(self, data: dict[str, Any]) -> directory.AccountWithSecret:
        """Create an account; the secret of its callbacks is shown in this response only.

        It is `untested`: nothing is sent through it until a connection test has passed.
        """
        return directory.create(data, owner_id(), actor=actor(), may_allow=may_allow())


@blp.route("/<int:account_id>")
class Detail(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(UnknownAccount)
    @blp.response(200, ProviderAccountSchema, example=samples.ACCOUNT)
    def get(self, account_id: int) -> ProviderAccount:
        """Read one account, also an archived one."""
        return directory.find(account_id, scope())

    @requires_einvoices("einvoices:write")
    @refuses(UnknownAccount, AllowancesNotYours, AccountNameTaken, AccountInDoubt, AccountHasDocuments)
    @resolves(*directory.URLS, stored=_stored_urls)
    @blp.arguments(ProviderAccountChangeSchema, example={"rate_per_minute": 60})
    @blp.response(200, ProviderAccountSchema, example=samples.ACCOUNT)
    def patch(self, data: dict[str, Any], account_id: int) -> ProviderAccount:
        """Change an account; another address, adapter or token has to be tested again before it is used.

        Another host, port or scheme of an address needs the `token` in the same request.
        """
        return directory.change(account_id, data, scope(), actor=actor(), may_allow=may_allow())

    @requires_einvoices("einvoices:write")
    @refuses(UnknownAccount)
    @blp.response(204)
    def delete(self, account_id: int) -> None:
        """Delete an account; one that e-invoices refer to is archived.

        Sendings that wait for it end with `provider_status` `failed`, or stay in doubt.
        """
        directory.remove(account_id, scope(), actor=actor())


@blp.route("/<int:account_id>/test")
class Test(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownAccount, AccountInTest)
    @blp.response(200, ProviderAccountSchema, example=samples.ACCOUNT)
    def post(self, account_id: int) -> ProviderAccount:
        """Test the connection: the look-up of a key that nobody has; `test_message` has the result.

        Without `lookup_url` it is `HEAD` at `url`; every answer but 401, 403 and 5xx is fine. An
        account has one test at a time.
        """
        return connection_test.run(account_id, scope(), actor=actor())


@blp.route("/<int:account_id>/rotate")
class Rotate(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownAccount)
    @blp.arguments(CallbackRotationSchema, example={"grace_hours": 24})
    @blp.response(200, ProviderAccountSecretSchema, example=samples.WITH_SECRET)
    def post(self, data: dict[str, Any], account_id: int) -> directory.AccountWithSecret:
        """Create a new callback secret, shown in this response only; the old one is valid for `grace_hours`."""
        return directory.rotate(account_id, data["grace_hours"], scope(), actor=actor())


def _signed(view: View) -> View:
    """Let in only callbacks that are signed with the secret of the account, which the view gets as ``account``."""

    @wraps(view)
    def signed_view(*args: Any, account_id: int, **kwargs: Any) -> Any:
        account = callbacks.authenticate(
            account_id, {name.lower(): value for name, value in request.headers}, request.get_data(cache=True)
        )
        return view(*args, account=account, **kwargs)

    return signed_view


def _sender() -> str:
    return f"callback {(request.view_args or {}).get('account_id')} {client_network()}"


@blp.route("/<int:account_id>/callback")
class Callback(MethodView):
    @public
    @refuses(WrongSignature, UnknownEinvoice, TooManyRequests)
    @limiter.limit(CALLBACK_LIMIT, key_func=_sender)
    @_signed
    @blp.arguments(ProviderCallbackSchema, example=samples.CALLBACK)
    @blp.response(200, ProviderCallbackAnswerSchema, example=samples.CALLBACK_ANSWER)
    def post(self, data: dict[str, Any], account: ProviderAccount) -> callbacks.AppliedCallback:
        """Report the status of an e-invoice that was sent through this account; for providers.

        It needs no token: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` are those of Standard
        Webhooks, with the callback secret of the account. A repeated `webhook-id` changes nothing.
        """
        return callbacks.apply(account, request.headers.get(callbacks.ID_HEADER, ""), data)
