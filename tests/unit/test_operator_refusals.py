"""What the cluster refuses is asked for now and then, whatever it is."""

import pytest

from artgrab.operator.cluster import RefusedError
from tests.support.operator_stage import KEY, SPEC, Stage


@pytest.mark.parametrize("call", ["apply_status", "set_finalizers", "delete_job"])
def test_what_is_refused_again_and_again_is_asked_for_now_and_then(call: str) -> None:
    stage = Stage()
    stage.apply()

    async def refuse(*_: object) -> None:
        raise RefusedError("a webhook says no")

    setattr(stage.operator.tools.cluster, call, refuse)
    stage.world.apply(KEY, {**SPEC, "deletionPolicy": "Delete", "suspend": True})
    stage.operator.watch()
    waits = [stage.operator.look(KEY) or 0 for _ in range(4)]
    assert min(waits[1:]) >= 30, waits


def test_what_was_refused_and_is_not_wanted_any_more_is_forgotten() -> None:
    stage = Stage()
    stage.world.refuse_jobs = True
    stage.apply()
    stage.apply(suspend=True)
    stage.operator.advance(minutes=1)
    assert stage.look() is None  # else it would be looked at all the time
