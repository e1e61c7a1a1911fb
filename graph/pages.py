"""What is served beside the graph: the front page, the schema as text, and who may have a page that is not for all."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from db.base import Permission
from graph.health import NEVER_STORED
from graph.identity import Identity
from graph.settings import VERSION
from schema import schema
from services.errors import Problem

SDL = schema.as_str() + "\n"


async def refusal(
    request: Request, identity: Identity | None, permission: Permission | None = None
) -> Response | None:
    """Why this request may not have a page; None where it may. Without `identity` the page is for everybody."""
    if identity is None:
        return None
    try:
        bearer = await identity.of_request(request)
    except Problem:
        bearer = None
    if bearer is None:
        told = {"WWW-Authenticate": "Bearer"}
        return PlainTextResponse("sign in first", 401, headers={**NEVER_STORED, **told})
    if permission is not None and not bearer.viewer.can(permission):
        return PlainTextResponse(f"needs {permission.value}", 403, headers=NEVER_STORED)
    return None


def routes(identity: Identity | None) -> list[Route]:
    """The front page, and the schema as text; with `identity` that is only for who is signed in."""

    async def sdl(request: Request) -> Response:
        return await refusal(request, identity) or PlainTextResponse(SDL)

    return [Route("/", welcome), Route("/schema.graphql", sdl)]


async def welcome(_request: Request) -> Response:
    """What this is, and where to go on."""
    return JSONResponse(
        {
            "name": "Switchboard",
            "description": "A GraphQL backend for a business's conversations and commerce.",
            "version": VERSION,
            "links": {
                "graphql": "/graphql",
                "schema": "/schema.graphql",
                "health": "/health",
            },
        }
    )
