"""Starting the server: address checked, record opened, first start greeted, then serving."""

import sys
from pathlib import Path
from typing import Any

from anagen.clinic.places import Places
from anagen.clinic.setup import needs_setup, setup_code
from anagen.clinic.store import close_store, open_store
from anagen.web.logs import make_log, quieten_uvicorn
from anagen.web.settings import ServerSettings, check_settings

_HEADER_BYTES = 16 * 1024
_IDLE_SECONDS = 20
_GRACE_SECONDS = 5


def serve(places: Places, settings: ServerSettings, *, ahead: bool = True) -> None:
    """Serve until stopped.

    Parameters
    ----------
    places : of the record.
    settings : how it runs.
    ahead : whether worker processes begin with the server, not with the first job.

    Raises
    ------
    InputError
        When the address is public without TLS or a stated proxy.
    StoreError
        When the record cannot be opened.
    """
    import uvicorn

    from anagen.web.app import make_app

    check_settings(settings)
    store = open_store(places)
    try:
        if needs_setup(store):
            _greet(settings, setup_code(store))
        quieten_uvicorn()
        app = make_app(store, settings, log=make_log(), ahead=ahead)
        uvicorn.run(app, **_options(settings))
    finally:
        close_store(store)


def _options(settings: ServerSettings) -> dict[str, Any]:
    def text(path: Path | None) -> str | None:
        return str(path) if path else None

    return {
        # The parser in C has no limit on headers, so the one in Python stays.
        "http": "h11", "host": settings.host, "port": settings.port, "log_level": "warning",
        "access_log": False, "server_header": False, "date_header": True,
        "ssl_certfile": text(settings.certificate), "ssl_keyfile": text(settings.private_key),
        "proxy_headers": settings.proxy is not None,
        "forwarded_allow_ips": settings.proxy or "",
        "h11_max_incomplete_event_size": _HEADER_BYTES,
        "timeout_keep_alive": _IDLE_SECONDS, "timeout_graceful_shutdown": _GRACE_SECONDS,
    }  # fmt: skip


def _greet(settings: ServerSettings, code: str) -> None:
    scheme = "https" if settings.secure else "http"
    print(
        f"This is the first start. Make the first account with this code, once:\n\n"
        f"    {code}\n\nat {scheme}://{settings.host}:{settings.port}/ (POST /api/v1/setup)",
        file=sys.stderr,
        flush=True,
    )
