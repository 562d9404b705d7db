"""Schemas of ``/api/auth``: credentials, tokens and the signed-in user."""

from __future__ import annotations

from marshmallow import fields

from app.accounts.login import passwords
from app.kernel.schemas.fields import Identifier, Schema, Text, Timestamp
from app.kernel.schemas.list_field import List

MAX_TOKEN_LENGTH = 4096


class CredentialsSchema(Schema):
    """E-mail address and password of a user."""

    email = Identifier(254, required=True, blank=False)
    password = Text(passwords.MAX_LENGTH, required=True, load_only=True)


class RefreshSchema(Schema):
    """The newest refresh token of the session."""

    refresh = Text(MAX_TOKEN_LENGTH, required=True, blank=False)


class UserSchema(Schema):
    """A user with role and abilities."""

    id = fields.Integer()
    email = fields.String()
    name = fields.String()
    role = fields.String()
    abilities = List(fields.String())
    last_login_at = Timestamp()


class TokensSchema(Schema):
    """``access`` goes into ``Authorization: Bearer``; ``refresh`` works once; ``expires_in`` is in seconds."""

    access = fields.String()
    refresh = fields.String()
    expires_in = fields.Integer()


class TokensAnswerSchema(Schema):
    """Tokens in the envelope of this surface."""

    success = fields.Boolean()
    message = fields.String()
    data = fields.Nested(TokensSchema)


class UserAnswerSchema(Schema):
    """A user in the envelope of this surface."""

    success = fields.Boolean()
    message = fields.String()
    data = fields.Nested(UserSchema)


class DoneSchema(Schema):
    """Success without data."""

    success = fields.Boolean()
    message = fields.String()
