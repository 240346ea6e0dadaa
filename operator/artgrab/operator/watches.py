"""kopf's watches, made to outlive a namespace.

kopf ends the process when one watch is refused, and has no setting for it; so the one function
that all its watches read from is replaced. A namespace that refuses is not asked again before a
list of it was answered.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from kopf._cogs.clients import errors, watching

from artgrab.operator.spaces import Spaces

_watch: Any = watching.infinite_watch


def outlive_refusals(spaces: Spaces) -> None:
    """Let watches of a namespace wait where it refuses; those of the cluster end as before."""

    async def watch(*, namespace: str | None, **given: Any) -> AsyncIterator[Any]:
        while True:
            await spaces.opened(namespace)
            try:
                async with aclosing(_watch(namespace=namespace, **given)) as events:
                    async for event in events:
                        yield event
            except (errors.APIForbiddenError, errors.APINotFoundError) as error:
                if namespace is None:
                    raise
                spaces.shut(namespace, str(error))
            else:
                return  # it ends by itself in tests only

    kopfs: Any = watching
    kopfs.infinite_watch = watch
