"""The command that serves the clinic's record: ``anagen serve``."""

from pathlib import Path
from typing import Annotated

import typer

from anagen._commands.clinic_options import DatabaseOption, DataOption, KeyOption

HostOption = Annotated[
    str, typer.Option("--host", help="Address to listen on; by default this machine alone.")
]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on.")]


def serve(
    *,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8765,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Name under which browsers reach it; may be given again."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="For TLS, in PEM.")
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option("--private-key", metavar="FILE", help="For TLS, in PEM.")
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option("--proxy", metavar="ADDRESS",
                     help="Address of a proxy in front of it that speaks TLS."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=64, help="Processes that compute.")
    ] = None,
) -> None:  # fmt: skip
    """Serve the clinic's record; the first start prints a code for the first account."""
    from anagen.clinic.places import find_places
    from anagen.web.server import serve as run
    from anagen.web.settings import ServerSettings

    run(
        find_places(data, database, key_file),
        ServerSettings(
            host=host, port=port, names=tuple(name or ()), certificate=certificate,
            private_key=private_key, proxy=proxy, workers=workers,
        ),
    )  # fmt: skip
