"""A sink of progress that keeps what it is told."""

from artgrab.common.progress import Progress


class Told:
    """Remembers progress and warnings."""

    def __init__(self) -> None:
        self.progress: list[Progress] = []
        self.warnings: list[str] = []

    def __call__(self, progress: Progress) -> None:
        self.progress.append(progress)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
