"""How a failure reaches the user: a list of problems or one line, never a traceback."""

import json
import sys
import traceback

from anagen.errors import AnagenError, InputError, Problem

FINE, BLOCKED, BAD_INPUT, FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def explain(error: Exception, *, debug: bool, as_json: bool) -> int:
    """Write what went wrong to standard error and return the exit code.

    Parameters
    ----------
    error : what was raised.
    debug : whether to show the traceback too.
    as_json : whether a machine reads.

    Returns
    -------
    int
        1 a rule forbids it, 2 bad input, 3 anything else.
    """
    if debug:
        traceback.print_exception(error)
    code = _code(error)
    if as_json:
        print(json.dumps(_as_data(error, code), ensure_ascii=False, indent=1), file=sys.stderr)
    elif isinstance(error, InputError):
        _list_problems(error.problems)
    else:
        _one_line(error, debug=debug)
    return code


def _code(error: Exception) -> int:
    if isinstance(error, InputError):
        return BAD_INPUT
    return FAILED


def _as_data(error: Exception, code: int) -> dict[str, object]:
    problems = error.problems if isinstance(error, InputError) else ()
    return {
        "error": type(error).__name__,
        "exit_code": code,
        "message": str(error),
        "problems": [vars(problem) for problem in problems],
    }


def _list_problems(problems: tuple[Problem, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(stderr=True)
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    console.print(Text(f"The input has {count}.", style="bold red"))
    for number, problem in enumerate(problems, start=1):
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(justify="right", no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        rows = (("place", problem.place), ("expected", problem.expected),
                ("found", problem.found), ("remedy", problem.remedy))  # fmt: skip
        for row, (name, words) in enumerate(rows):
            style = "bold" if row == 0 else ""
            grid.add_row(str(number) if row == 0 else "", Text(name, style="dim"),
                         Text(printable(words), style=style))  # fmt: skip
        console.print(grid)


def _one_line(error: Exception, *, debug: bool) -> None:
    words = " ".join(printable(str(error)).split())[:400].rstrip(".")
    if isinstance(error, AnagenError):
        print(f"anagen: {words}.", file=sys.stderr)
        return
    hint = "" if debug else " This is a fault of Anagen; add --debug to see where."
    print(f"anagen: {type(error).__name__}: {words}.{hint}", file=sys.stderr)


def printable(text: str) -> str:
    """Return text without control characters, which could otherwise steer the terminal.

    Examples
    --------
    >>> "[31m" == printable("[31m"), len(printable(chr(27)))
    (True, 4)
    """
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
        for character in text
    )
