"""GraphiQL: the page that a browser gets at `/graphql`, and the files that it is made of.

graph/web holds its source, `make setup` builds it into graph/static. It is served whole from here: nothing of it
comes from another host.
"""

from pathlib import Path
from typing import Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

FOLDER: Final = Path(__file__).resolve().parent / "static" / "graphiql"
PATH: Final = "/graphiql"
BUILT_FOR_EVER: Final = "public, max-age=31536000, immutable"
ASKED_AGAIN: Final = "no-cache"
# Inline styles are how the editor draws itself. Pictures that answers point at stay unloaded: their hosts would
# learn who looks at what.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFELY: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Switchboard</title>
<h1>The graph is served here, GraphiQL is not built yet</h1>
<p>Run <code>make setup</code> in the folder of Switchboard and load this page again: nothing has to be restarted.
It takes node 20.19 or newer from the PATH, or brings its own.</p>
<p>Clients need none of it. The schema as text is at <a href="/schema.graphql">/schema.graphql</a>.</p>
</html>
"""


class Page:
    """In front of the endpoint: answers browsers that open `/graphql`, and leaves everything else to it."""

    def __init__(self, endpoint: ASGIApp) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: ASGIApp = page() if is_visit(scope) else self._endpoint
        await answer(scope, receive, send)


class Files(StaticFiles):
    """What the page loads. A name under assets/ has a hash of its content in it, so it is kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        for_ever = path.startswith("assets/") and response.status_code in (200, 304)
        response.headers.update({**SAFELY, "Cache-Control": BUILT_FOR_EVER if for_ever else ASKED_AGAIN})
        return response


def is_visit(scope: Scope) -> bool:
    """Whether somebody has opened the address in a browser, rather than sent an operation."""
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and "text/html" in Request(scope).headers.get("accept", "")
        and "query" not in QueryParams(scope["query_string"])
    )


def page() -> Response:
    """GraphiQL, or how to build it. Looked for each time, so that a build needs no restart."""
    headers = {**SAFELY, "Cache-Control": ASKED_AGAIN, "Vary": "Accept"}
    built = FOLDER / "index.html"
    if built.is_file():
        return FileResponse(built, media_type="text/html", headers=headers)
    return HTMLResponse(NOT_BUILT, headers=headers)


def files() -> Mount:
    """The files of the page, whether they are built already or later."""
    return Mount(PATH, Files(directory=FOLDER, check_dir=False), name="graphiql")
