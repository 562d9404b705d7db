"""The pages that links reach from the overview."""

from __future__ import annotations

import re
from collections import Counter

from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from app.kernel.http.app import Hub

#: Pages of one view that are taken; lists and documents have several states.
MOST = {"admin.einvoices.show": 14, "admin.handbook.show": 12, "admin.masters.index": 5, "admin.sales.queue": 7}
#: Links to what is no page.
NO_PAGE = re.compile(r"\.(pdf|xlsx|csv|xml|json|zip)\b|/export|/package|/sign-out|/logo|/documents/|/live|language=")


def reached_pages(app: Hub, client: FlaskClient) -> dict[str, str]:
    """Address and HTML of the pages that links reach from the overview, the first few of each view."""
    adapter = app.url_map.bind("localhost")
    found, waiting, taken = {}, ["/admin", "/admin/nowhere"], Counter[str]()
    known = set(waiting)
    while waiting:
        with client.get(path := waiting.pop(0)) as answer:
            if answer.mimetype != "text/html" or answer.status_code not in {200, 404}:
                continue
            found[path] = answer.get_data(as_text=True)
        for link in dict.fromkeys(re.findall(r'href="(/[^"#]*)', found[path])):
            address = link.replace("&amp;", "&")
            if address in known or NO_PAGE.search(address):
                continue
            known.add(address)
            try:
                endpoint = str(adapter.match(address.partition("?")[0])[0])
            except HTTPException:
                continue
            if endpoint.startswith("admin.") and taken[endpoint] < MOST.get(endpoint, 2):
                taken[endpoint] += 1
                waiting.append(address)
    return found
