"""Finalizers: ours goes when nothing more is to be done, and those of others are left alone."""

from typing import Any

import pytest

from tests.support.operator_stage import KEY, SPEC, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_finalizer_of_others_that_comes_meanwhile_is_kept(stage: Stage) -> None:
    stage.apply(deletionPolicy="Delete")
    category = stage.world.categories[KEY]
    cluster: Any = stage.operator.tools.cluster
    told = cluster.apply_status

    async def meanwhile(*status: Any) -> Any:
        await told(*status)
        category["metadata"]["finalizers"].append("others.test/theirs")
        return stage.world.touch("category", category)

    cluster.apply_status = meanwhile
    stage.world.apply(KEY, {**SPEC, "deletionPolicy": "Retain"})
    stage.operator.watch()
    stage.operator.look(KEY)
    assert category["metadata"]["finalizers"] == ["others.test/theirs"]


def test_a_cleanup_is_ended_before_what_is_retained_after_all_is_let_go(stage: Stage) -> None:
    stage.apply(deletionPolicy="Delete", suspend=True)
    stage.world.delete(KEY)
    stage.look()
    (cleanup,) = stage.jobs()
    stage.apply(deletionPolicy="Retain", suspend=True)
    assert "deletionTimestamp" in cleanup["metadata"]
    assert KEY in stage.world.categories  # a successor's pictures would be removed with its own
    stage.sweep()
    assert KEY not in stage.world.categories
