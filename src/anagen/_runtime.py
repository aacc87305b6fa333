"""How JAX is set up for one run: what it compiled once is kept for the next run."""

from collections.abc import Callable
from typing import cast


def prepare_jax() -> None:
    """Keep compiled code in the user's cache folder, unless the caller chose a folder already.

    The folder follows the platform's habit (``XDG_CACHE_HOME`` and the like). Where it cannot be
    written nothing is kept and the simulation compiles anew.

    Examples
    --------
    >>> prepare_jax()
    """
    import jax
    from platformdirs import user_cache_path

    update = cast(Callable[[str, object], None], jax.config.update)
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    folder = user_cache_path("anagen") / "jax"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
    except OSError:
        return
    update("jax_compilation_cache_dir", str(folder))
    update("jax_persistent_cache_min_compile_time_secs", 0.0)
