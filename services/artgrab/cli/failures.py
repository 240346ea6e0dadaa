"""What is told where some of several categories failed."""

from collections.abc import Mapping

from artgrab.common.errors import ArtgrabError, PartlyDoneError


def raise_together(errors: Mapping[str, ArtgrabError], *, all_failed: bool) -> None:
    """Raise one error for all; categories (the keys) that failed alike share their message.

    Raises:
        PartlyDoneError: not all failed.
        ArtgrabError: all did; the class is that of the first.
    """
    if not errors:
        return
    alike: dict[str, list[str]] = {}
    for name, error in errors.items():
        alike.setdefault(str(error), []).append(name)
    message = "; ".join(f"{', '.join(names)}: {text}" for text, names in alike.items())
    if all_failed:
        raise type(next(iter(errors.values())))(message)
    raise PartlyDoneError(f"{message}; the other categories are done, run the same again")
