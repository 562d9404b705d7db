"""Text format of scoped tokens: parts, checksum, storage as a hash only."""

from __future__ import annotations

import re

from app.accounts.models.accounts import AuditEntry
from app.accounts.models.tokens import AccessToken
from app.accounts.tokens import format as token_format
from app.kernel.http.app import Hub
from tests.accounts.tokens.helpers import rows, store_token


def test_a_token_has_the_format_of_the_contract(app: Hub) -> None:
    _, plain = store_token()
    assert re.fullmatch(r"ihub_[0-9A-Za-z]{12}_[0-9A-Za-z]{46}", plain)
    assert rows(AccessToken)[0].public_id == plain.split("_")[1]


def test_the_checksum_detects_a_typo() -> None:
    plain = token_format.new_token(token_format.new_public_id())
    assert token_format.parse_token(plain)
    for position in range(len(plain)):
        other = "a" if plain[position] != "a" else "b"
        assert token_format.parse_token(plain[:position] + other + plain[position + 1 :]) is None
    assert token_format.parse_token(plain + "0") is None
    assert token_format.parse_token(plain + "\n") is None


def test_the_checksum_is_crc_32_in_base_62() -> None:
    digits = token_format._checksum("123456789")
    decoded = sum(token_format._ALPHABET.index(digit) * 62**place for place, digit in enumerate(digits[::-1]))
    assert decoded == 0xCBF43926, "the check value of CRC-32"


def test_only_a_hash_is_stored(app: Hub) -> None:
    _, plain = store_token()
    secret = plain.split("_")[2]
    for model in (AccessToken, AuditEntry):
        assert secret not in str(rows(model))
