"""Re-encryption of secrets after a change of ``SECRET_KEY``."""

from __future__ import annotations

from typing import Any

from app.extensions import db
from app.kernel.secret_box import unseal
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import secret_rotation
from app.webhooks.models.endpoints import Endpoint
from tests.webhooks.fixtures import Make
from tests.webhooks.receivers import Receiver


def test_secrets_are_readable_with_a_new_key_after_resealing(
    app_with: Make, receiver: Receiver, subscribe: Make, settings: Any
) -> None:
    endpoint = subscribe(receiver, headers={"X-A": "1"})
    other = app_with(secret_key="another secret of the tests, long enough too")
    with other.app_context():
        with unit_of_work():
            assert secret_rotation.reseal_secrets("a wrong guess of the old key", actor="a test") == 0
            assert secret_rotation.reseal_secrets(settings.secret_key, actor="a test") == 1
        assert unseal(db.session.get(Endpoint, endpoint.id).secret).decode() == endpoint.secret
        with unit_of_work():
            assert secret_rotation.reseal_secrets(settings.secret_key, actor="a test") == 0
