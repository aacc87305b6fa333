"""Boxes ticked in a form."""

from fastapi import Request

# More boxes of one name than any page has.
_MOST = 100


async def ticked(request: Request, name: str) -> tuple[str, ...]:
    """Values of the boxes of one name that are ticked, in the order of the page."""
    values = (await request.form()).getlist(name)[:_MOST]
    return tuple(value for value in values if isinstance(value, str))
