"""What happens around every request: its number, limits of size, headers, log and figures."""

import secrets
import time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anagen.web.problems import MEDIA_TYPE

# A drawn mask is the largest document; a photograph with its form the largest upload.
MAX_JSON_BYTES = 2 * 1024 * 1024
MAX_UPLOAD_BYTES = 26 * 1024 * 1024

# No length that is allowed has more digits.
_DIGITS = 12

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), microphone=()"),
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
)
_TLS_HEADER = (b"strict-transport-security", b"max-age=31536000")


class Around:
    """ASGI middleware: numbers, bounds, secures, logs and counts every request.

    Parameters
    ----------
    app : what is inside.
    state : of the server, with ``log`` and ``metrics``.
    secure : whether browsers come by TLS.
    """

    def __init__(self, app: ASGIApp, state: Any, *, secure: bool) -> None:
        self.app = app
        self.state = state
        self.secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        number = secrets.token_hex(8)
        scope.setdefault("state", {})["number"] = number
        status, begun = 500, False

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = self._with_headers(message["headers"], number)
            await send(message)

        try:
            await self.app(scope, _bounded(scope, receive), answer)
        except Exception:
            # What no route caught; the message stays here, because it may quote the record.
            self.state.log.exception("fault", route=_route(scope), number=number)
            if begun:
                raise
            status = 500
            await _refuse(answer, 500, "Fault of the server",
                          "This is a fault of Anagen; the log of the server says more.",
                          number)  # fmt: skip
        finally:
            self._count(scope, status, time.perf_counter() - began, number)

    def _with_headers(self, given: list[tuple[bytes, bytes]], number: str) -> Any:
        present = {name.lower() for name, _ in given}
        own = [*_HEADERS, (b"cache-control", b"no-store"), (b"x-request-id", number.encode())]
        if self.secure:
            own.append(_TLS_HEADER)
        return [*given, *(pair for pair in own if pair[0] not in present)]

    def _count(self, scope: Scope, status: int, seconds: float, number: str) -> None:
        route = _route(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.state.metrics.requests.labels(method, route, str(status)).inc()
        self.state.metrics.seconds.labels(method, route).observe(seconds)
        self.state.log.info(
            "request", method=method, route=route, status=status,
            milliseconds=round(1000 * seconds, 1), number=number,
        )  # fmt: skip


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def _route(scope: Scope) -> str:
    return str(scope.get("state", {}).get("route", "none"))


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Stop reading a body that is larger than its kind may be."""
    headers = dict(scope["headers"])
    upload = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
    most = MAX_UPLOAD_BYTES if upload else MAX_JSON_BYTES
    declared = headers.get(b"content-length", b"0")
    long = len(declared) > _DIGITS or (declared.isdigit() and int(declared) > most)
    read = most + 1 if long else 0

    async def bounded() -> Message:
        nonlocal read
        if read > most:
            raise HTTPException(413)
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise HTTPException(413)
        return message

    return bounded


async def _refuse(send: Send, status: int, title: str, detail: str, number: str) -> None:
    import json

    text = json.dumps(
        {"type": f"urn:anagen:problem:{title.lower().replace(' ', '-')}", "title": title,
         "status": status, "detail": detail, "request": number, "errors": []}
    ).encode()  # fmt: skip
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(text)).encode()),
               (b"connection", b"close")]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
