"""The page of the simulator: what it shows and changes, its languages, and forms of other sites."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from app.einvoices.providers.behaviours import BEHAVIOURS
from app.provider_simulator.application import create_application
from app.provider_simulator.document_store import DocumentStore
from app.provider_simulator.pages import PAGE_SIZE
from app.provider_simulator.simulator_state import Simulator

SECRET = f"whsec_{'A' * 43}="


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(DocumentStore())
    yield made
    made.store.close()


@pytest.fixture
def client(simulator: Simulator) -> FlaskClient:
    return create_application(simulator).test_client()


def submit(client: FlaskClient, path: str, **values: str) -> str:
    """Post a form with the token of the page; returns the page that follows."""
    [token, *_] = re.findall(r'name="csrf_token" value="([^"]+)"', client.get("/").text)
    answer = client.post(path, data={"csrf_token": token, **values}, follow_redirects=True)
    return f"{answer.status_code} {answer.text}"


def take(simulator: Simulator, count: int) -> None:
    for number in range(1, count + 1):
        simulator.store.take("demo", f"k{number}", {"invoice_no": f"EA-{number}<b>"}, "accept")


def test_it_lists_what_the_simulator_has(client: FlaskClient, simulator: Simulator) -> None:
    take(simulator, PAGE_SIZE + 1)
    page = client.get("/").text
    assert f"EA-{PAGE_SIZE + 1}&lt;b&gt;" in page
    assert "EA-1&lt;b&gt;" not in page
    [older] = re.findall(r'href="(/\?before=\d+)"', page)
    assert "EA-1&lt;b&gt;" in client.get(older).text
    assert all(f">{name}</code>" in page for name in BEHAVIOURS)


def test_it_speaks_turkish(client: FlaskClient) -> None:
    page = client.get("/", headers={"Accept-Language": "tr"}).text
    assert '<html lang="tr">' in page
    assert "Sağlayıcı simülatörü" in page


def test_its_policy_is_strict_and_its_styles_are_there(client: FlaskClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in policy
    for path in re.findall(r'href="(/static/[^"]+)"', client.get("/").text):
        with client.get(path) as answer:
            assert answer.status_code == 200, path
    assert client.get("/static/hub.js").status_code == 404
    assert client.get("/static/../register.py").status_code == 404


def test_the_behaviour_is_changed(client: FlaskClient, simulator: Simulator) -> None:
    assert "Saved." in submit(client, "/behaviour", default="reject", share_lost="30", look_up_failures="5")
    assert (simulator.default, simulator.shares, simulator.look_up_failures) == ("reject", {"lost": 30}, 5)


@pytest.mark.parametrize(
    "values",
    [
        {"default": "unknown"},
        {"default": "accept", "share_lost": "60", "share_fail": "41"},
        {"default": "accept", "share_lost": "101"},
        {"default": "accept", "share_lost": "-1"},
        {"default": "accept", "look_up_failures": "x"},
    ],
)
def test_a_wrong_behaviour_changes_nothing(client: FlaskClient, simulator: Simulator, values: dict[str, str]) -> None:
    assert 'role="alert"' in submit(client, "/behaviour", **values)
    assert (simulator.default, simulator.shares) == ("accept", {})


def test_the_address_of_reports_is_set_and_the_secret_is_not_shown(client: FlaskClient, simulator: Simulator) -> None:
    page = submit(client, "/targets", account="demo", url="http://127.0.0.1:8000/callback", secret=SECRET)
    assert simulator.store.targets() == {"demo": "http://127.0.0.1:8000/callback"}
    assert "http://127.0.0.1:8000/callback" in page
    assert SECRET not in page


@pytest.mark.parametrize(
    ("account", "url", "secret"),
    [
        ("a/b", "http://127.0.0.1/", SECRET),
        ("demo", "file:///etc/passwd", SECRET),
        ("demo", "http://[", SECRET),
        ("demo", "http://127.0.0.1/", "secret"),
        ("demo", "http://127.0.0.1/", "whsec_%"),
    ],
)
def test_a_wrong_address_is_refused(
    client: FlaskClient, simulator: Simulator, account: str, url: str, secret: str
) -> None:
    assert 'role="alert"' in submit(client, "/targets", account=account, url=url, secret=secret)
    assert simulator.store.targets() == {}


def test_a_report_is_sent_on_demand(client: FlaskClient, simulator: Simulator) -> None:
    take(simulator, 1)
    assert submit(client, "/documents/1/report", word="rejected").startswith("200")
    assert simulator.store.documents()[0].word == "rejected"
    assert submit(client, "/documents/2/report", word="rejected").startswith("404")
    assert submit(client, "/documents/1/report", word="<b>").startswith("404")


def test_the_list_is_emptied(client: FlaskClient, simulator: Simulator) -> None:
    take(simulator, 2)
    submit(client, "/clear")
    assert simulator.store.count() == 0


@pytest.mark.parametrize("path", ["/clear", "/behaviour", "/targets", "/documents/1/report"])
def test_a_form_of_another_site_is_refused(client: FlaskClient, simulator: Simulator, path: str) -> None:
    take(simulator, 1)
    client.get("/")
    answer = client.post(path, data={"word": "rejected", "default": "reject", "csrf_token": "x"})
    assert answer.status_code == 400
    assert (simulator.store.documents()[0].word, simulator.default) == ("accepted", "accept")
