"""Libraries that only virtual trials need; the engine installs without them."""

from importlib import import_module
from types import ModuleType

from anagen.errors import InputError, Problem


def extra(name: str) -> ModuleType:
    """Import a library of the extra ``trials``.

    Parameters
    ----------
    name : of the module, such as ``zarr``.

    Raises
    ------
    InputError
        When it is not installed.

    Examples
    --------
    >>> extra("json").__name__
    'json'
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != name.split(".", maxsplit=1)[0]:
            raise
        raise InputError(
            Problem("installation", f"the library {name}", "it is not installed",
                    "Install it: pip install 'anagen[trials]'")
        ) from None  # fmt: skip
