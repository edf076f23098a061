"""`/docs` in a browser: the reference is the interface's own description, whole."""

from __future__ import annotations

import pytest
from browser import Visits
from serving import Server

pytestmark = pytest.mark.slow


def test_the_reference_tells_of_every_operation_parameter_and_answer(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/docs"))
    page.locator(".operation").first.wait_for()
    paths = server.get("/api/openapi.json").json()["paths"]
    count = 0
    for path, verbs in paths.items():
        if not path.startswith("/api/"):
            continue
        for verb, operation in verbs.items():
            count += 1
            block = page.locator(f"#{operation['operationId']}")
            assert block.locator("h3").text_content() == f"{verb.upper()} {path}"
            names = block.locator(".parameters dt code").all_text_contents()
            assert names == [parameter["name"] for parameter in operation.get("parameters", [])]
            assert block.locator(".answers dt").all_text_contents() == list(operation["responses"])
    assert page.locator(".operation").count() == count
    assert server.url("") in (page.locator("pre").first.text_content() or "")
