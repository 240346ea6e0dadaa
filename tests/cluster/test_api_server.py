"""The API server is killed in the middle of a run: nobody ends for it, and the run goes on."""

import pytest

from tests.cluster.installed import Installation
from tests.cluster.runs import Begin

pytestmark = pytest.mark.xdist_group("alone")


def test_an_api_server_that_is_killed_is_missed_by_nobody(
    installed: Installation, begun: Begin
) -> None:
    run = begun("api-server-gone", "hiroshige")
    run.wait_recorded(4)
    before = run.jobs()
    restarts = installed.system.restarts()
    installed.provider.restart_api_server()
    run.assert_under_way()
    run.check()
    assert run.jobs() == before
    after = installed.system.restarts()  # the autoscaler may have taken or added a downloader
    assert after == {uid: restarts.get(uid, 0) for uid in after}
    assert {one["metadata"]["uid"] for one in installed.pods("operator")} <= restarts.keys()
