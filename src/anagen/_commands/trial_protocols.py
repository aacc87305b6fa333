"""What ``anagen trial list``, ``check`` and ``show`` tell of protocols of virtual trials."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from anagen._commands.failures import printable
from anagen._commands.shown import _grid, _line, _print, _table

if TYPE_CHECKING:
    from anagen.trials.lint import Lint
    from anagen.trials.protocol import Protocol
    from anagen.trials.protocol_file import ProtocolFile

_COLOURS = {"error": "bold red", "warn": "yellow", "inform": "cyan"}


def shipped_protocols() -> "list[Protocol]":
    """All protocols that the package carries."""
    from anagen.trials.protocol_file import read_protocol_file, shipped

    return [read_protocol_file(key).protocol for key in shipped()]


def protocol_row(protocol: "Protocol") -> dict[str, Any]:
    """One protocol in a few fields, as plain data."""
    from anagen.trials.protocol import end_week

    return {
        "key": protocol.key,
        "title": protocol.title,
        "question": protocol.question,
        "source": protocol.source,
        "design": protocol.design,
        "unit": protocol.unit,
        "arms": [arm.key for arm in protocol.arms],
        "people": people(protocol),
        "weeks": end_week(protocol),
    }


def people(protocol: "Protocol") -> int:
    """How many people a trial takes, over all arms."""
    if protocol.design == "within":
        return protocol.people
    return sum(round(protocol.people * arm.ratio) for arm in protocol.arms)


def print_protocols(protocols: "Sequence[Protocol]") -> None:
    """Print protocols as a table."""
    table = _table("protocol", "title", "design", "people", "weeks", "source")
    table.columns[0].no_wrap = True
    for protocol in protocols:
        row = protocol_row(protocol)
        table.add_row(_line(row["key"]), _line(protocol.title), _line(f"{row['design']}, "
                      f"{len(row['arms'])} arms"), str(row["people"]), f"{row['weeks']:g}",
                      _line(protocol.source))  # fmt: skip
    _print(table, _line("One in full, to copy: anagen trial show PROTOCOL", "dim"))


def verdict(file: "ProtocolFile", lints: "Sequence[Lint]") -> dict[str, Any]:
    """Return what the lint says of a protocol, as plain data."""
    from anagen.trials.protocol import fingerprint

    return {
        "file": file.name,
        "protocol": file.protocol.key,
        "sound": is_sound(lints),
        "fingerprint": fingerprint(file.protocol),
        "findings": [
            {
                "severity": lint.severity,
                "line": lint.line,
                "place": lint.place,
                "expected": lint.expected,
                "found": lint.found,
                "remedy": lint.remedy,
            }
            for lint in lints
        ],
    }


def is_sound(lints: "Sequence[Lint]") -> bool:
    """Whether nothing stands against running the protocol."""
    return all(lint.severity != "error" for lint in lints)


def print_verdict(file: "ProtocolFile", lints: "Sequence[Lint]") -> None:
    """Print what the lint says of a protocol, gravest first."""
    for lint in lints:
        grid = _grid()
        for name, text in (("expected", lint.expected), ("found", lint.found),
                           ("remedy", lint.remedy)):  # fmt: skip
            grid.add_row(name, _line(printable(text)))
        _print(_line(printable(f"{lint.severity}: {lint.place}"), _COLOURS[lint.severity]), grid)
    errors = sum(lint.severity == "error" for lint in lints)
    if errors:
        count = "one error" if errors == 1 else f"{errors} errors"
        _print(_line(f"{file.protocol.key}: {count}; it is refused.", "bold red"))
    else:
        _print(_line(f"{file.protocol.key}: sound.", "bold green"))
