"""Stock Strawberry as an ASGI application; BENCH_CACHES=on turns on the two caches its documentation offers."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache

from bench.peers.strawberry.loaders import Loaders
from bench.peers.strawberry.types import Mutation, Query, Subscription

DOCUMENTS_MAX = 200


def caches() -> list[Callable[[], SchemaExtension]]:
    """The extensions that keep what was parsed and validated."""
    if os.environ.get("BENCH_CACHES") != "on":
        return []
    return [partial(ParserCache, maxsize=DOCUMENTS_MAX), partial(ValidationCache, maxsize=DOCUMENTS_MAX)]


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=caches(),
)


class App(GraphQL[dict[str, Any], None]):
    """Gives each request its loaders."""

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> dict[str, Any]:
        return {"request": request, "response": response, "loaders": Loaders()}


graphql = App(schema, graphql_ide=None)
app = Starlette(routes=[Route("/graphql", graphql), WebSocketRoute("/graphql", graphql)])
