"""Files of the pages: packed on their way, and kept by browsers."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

# An address with the mark of its content never changes its content.
_FOR_EVER = "public, max-age=31536000, immutable"
# Modules import each other without a mark: asked for again, and not sent when nothing changed.
_ASK_AGAIN = "no-cache"
# Smaller files gain nothing by packing.
_LEAST_BYTES = 500


class _Kept(StaticFiles):
    """Static files that say how long they may be kept; none of them is about a person."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Give a file."""
        response = await super().get_response(path, scope)
        if response.status_code in (200, 206, 304):
            marked = scope.get("query_string", b"").startswith(b"v=")
            response.headers["Cache-Control"] = _FOR_EVER if marked else _ASK_AGAIN
        return response


def static_files() -> ASGIApp:
    """Make the application that serves the static files of the console."""
    return GZipMiddleware(
        _Kept(packages=[("anagen.web", "static")]), minimum_size=_LEAST_BYTES, compresslevel=6
    )
