"""`python -m artgrab.release_test`: exit code 0 when a classifier was made, asked and removed."""

import signal
import sys
from types import FrameType

from artgrab.common.errors import ArtgrabError
from artgrab.common.servers import read_settings
from artgrab.release_test.asking import asker
from artgrab.release_test.cluster import connect
from artgrab.release_test.settings import ReleaseTestSettings
from artgrab.release_test.trial import Surroundings, run_trial

_INTERRUPTED = 4


class _Ended(BaseException):
    """SIGTERM came: what was made is removed, then the test ends."""


def main() -> int:
    """Run the test that the environment describes and return the exit code."""
    signal.signal(signal.SIGTERM, _end)
    try:
        settings = read_settings(ReleaseTestSettings)
        world = Surroundings(objects=connect(), ask=asker(settings), tell=_tell)
        run_trial(settings, world)
    except ArtgrabError as error:
        _tell(f"FAILED: {error}")
        return error.exit_code
    except _Ended:
        _tell("FAILED: told to end before it was done")
        return _INTERRUPTED
    _tell("PASSED: categories, classifier and prediction; all of it is removed again")
    return 0


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Ended


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
