"""One downloader against a table of hostile sites: each has its record, and harms no other site.

All of them are met by the same process, a dozen at a time, and all those that wait for a limit of
time at once. A good site is asked for together with each, and another one after it.
"""

import re
from pathlib import Path

import pytest

from tests.support.hostile.network_table import HOPS, NETWORK
from tests.support.hostile.picture_table import PICTURES
from tests.support.hostile.trial import ROOT, Findings, face

pytestmark = [pytest.mark.xdist_group("hostile_table"), pytest.mark.timeout(300)]

TABLE = {one.name: one for one in (*NETWORK, *PICTURES)}
SERVICE_MEGABYTES = 250
"""The most that the service may hold at any time."""
DECODER_MEGABYTES = 450
"""The same of each decoder: 256 for a picture, the rest for its libraries."""
NEVER_SENT = {"authorization", "cookie", "referer", "origin", "proxy-authorization", "x-injected"}


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Meet those whose tests are wanted, once for all of them."""
    calls = (getattr(item, "callspec", None) for item in request.session.items)
    wanted = {call.params["name"] for call in calls if call and "name" in call.params}
    behaviours = [one for name, one in TABLE.items() if name in wanted]
    folder: Path = tmp_path_factory.mktemp("hostile")
    return face(behaviours, HOPS, folder)


def test_the_table_has_room_for_no_two_of_one_name() -> None:
    assert len(TABLE) == len(NETWORK) + len(PICTURES) >= 60


@pytest.mark.parametrize("name", TABLE)
def test_a_hostile_site_has_its_record_and_a_good_one_is_served_meanwhile(
    name: str, found: Findings
) -> None:
    behaviour = TABLE[name]
    assert found.told[name] in behaviour.expected.split("|")
    closed = behaviour.expected == "INVALID_ARGUMENT"
    assert found.recorded.get(name) == (None if closed else found.told[name])
    assert found.good[name] == ["STORED", "STORED"]
    assert not behaviour.outlasts or name in found.overtaken


def test_memory_stays_in_its_bounds_throughout(found: Findings) -> None:
    assert 0 < found.service_bytes < SERVICE_MEGABYTES * 1024**2
    assert 0 < found.decoder_bytes < DECODER_MEGABYTES * 1024**2


def test_nothing_is_connected_to_that_may_not_be(found: Findings) -> None:
    assert found.trespassers == 0


def test_nothing_is_sent_that_tells_of_other_sites_or_of_us(found: Findings) -> None:
    assert found.asked
    assert not NEVER_SENT.intersection(*[{name for one in found.asked for name in one.headers}])


def test_the_page_on_security_names_rows_that_there_are() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("|")]
    named = re.findall(r"(?<!\*)\*([a-z0-9.…-]+)\*(?!\*)", "\n".join(rows))
    assert len(named) > 60
    assert not [name for name in named if not _matching(name)]


def _matching(name: str) -> list[str]:
    """Return the rows of a name, its end (-name) or its beginning (name…)."""
    if name.startswith("-"):
        return [row for row in TABLE if row.endswith(name)]
    if name.endswith("…"):
        return [row for row in TABLE if row.startswith(name.removesuffix("…"))]
    return [row for row in TABLE if row == name]
