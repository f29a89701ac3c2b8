"""A policy enforcement point written from the AuthZEN Authorization API 1.0 alone: it knows nothing of Zgoda."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx


class Pep:
    """Finds the endpoints by discovery and asks them; refuses what the specification does not let a PDP answer."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self._endpoints: dict[str, str] = {}

    async def endpoint(self, name: str) -> str:
        """An endpoint from the metadata (9.1), which must name the decision point that was asked (9.2.3)."""
        if not self._endpoints:
            answer = await self.client.get("/.well-known/authzen-configuration")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/json"
            told = answer.json()
            assert told["policy_decision_point"] == str(self.client.base_url).rstrip("/")
            self._endpoints = told
        return self._endpoints[f"{name}_endpoint"]

    async def post(self, name: str, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        return await self.client.post(await self.endpoint(name), content=content, headers=sent)

    async def evaluate(self, subject: Any, action: Any, resource: Any, **more: Any) -> dict[str, Any]:
        """One decision (6.2)."""
        body = {"subject": subject, "action": action, "resource": resource, **more}
        return self._decision(self._ok(await self.post("access_evaluation", body)))

    async def evaluations(self, **body: Any) -> list[dict[str, Any]]:
        """Several decisions in the order of the questions (7.2)."""
        told = self._ok(await self.post("access_evaluations", body))
        assert "decision" not in told
        assert len(told["evaluations"]) <= len(body["evaluations"])
        return [self._decision(one) for one in told["evaluations"]]

    async def search(self, what: str, **body: Any) -> dict[str, Any]:
        """One page (8.2.2): `page` comes first."""
        told = self._ok(await self.post(f"search_{what}", body))
        assert next(iter(told)) == "page"
        assert isinstance(told["page"]["next_token"], str)
        assert told["page"].get("count", len(told["results"])) == len(told["results"])
        return told

    async def found(self, what: str, limit: int | None = None, **body: Any) -> AsyncIterator[dict[str, Any]]:
        """Every result, page by page; the limit is said once."""
        page: dict[str, Any] = {} if limit is None else {"limit": limit}
        while True:
            told = await self.search(what, **body, page=page)
            assert limit is None or len(told["results"]) <= limit
            for one in told["results"]:
                yield one
            if not told["page"]["next_token"]:
                return
            page = {"token": told["page"]["next_token"]}

    def _ok(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].partition(";")[0] == "application/json"
        told = answer.json()
        assert isinstance(told, dict)
        return told

    def _decision(self, told: dict[str, Any]) -> dict[str, Any]:
        assert isinstance(told["decision"], bool)
        assert isinstance(told.get("context", {}), dict)
        assert None not in told.get("context", {}).values()
        return told
