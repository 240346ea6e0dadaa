"""Images that a node has from its first moment: the folder of a containerd that has unpacked them.

To unpack two gigabytes takes a minute of a processor for each new cluster, to make links to the
files of one that has done so takes two seconds. Nobody writes to those files: layers lie below
what containers write, blobs are named by their digests, and databases are copied.
"""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

from tests.cluster.builds import digest_of
from tests.cluster.commands import progress, run
from tests.cluster.layout import Layout
from tests.cluster.processes import Component, Processes, end
from tests.world.cache import ensure_part

VERSION = "1"
"""Goes up when the folder is another one for the same archives."""
_NAME = "stock"
_CONFIG = Template("""
version = 2
root = "$root"
state = "$state/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$state/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$state/opt"
""")


def ctr(socket: Path, *words: str | Path, seconds: float = 60) -> str:
    """Return what containerd's own client writes about the namespace of a kubelet."""
    return run("ctr", f"--address={socket}", "--namespace=k8s.io", *words, seconds=seconds)


def import_image(socket: Path, archive: Path) -> None:
    """Make the images of an archive known to a containerd."""
    ctr(socket, "images", "import", archive.absolute(), seconds=900)


def lay_in(layout: Layout, processes: Processes, archives: Sequence[Path], *, cache: Path) -> None:
    """Give a containerd that has never run all images of archives of the cache.

    Elsewhere than on the disk of the cache there are no links, and images are loaded as ever.
    """
    root = layout.containerd_root
    if root.exists() or layout.state.stat().st_dev != cache.stat().st_dev:
        return
    folder = _ensure(layout, processes, archives, cache)
    fresh = root.with_name("root.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    run("cp", "--archive", "--link", folder, fresh)
    for database in folder.glob("*/*.db"):
        copy = fresh / database.relative_to(folder)
        copy.unlink()
        shutil.copy2(database, copy)
    for archive in archives:
        layout.note_loaded(archive)
    fresh.rename(root)


def _ensure(layout: Layout, processes: Processes, archives: Sequence[Path], cache: Path) -> Path:
    """Return the folder, filled where it is missing; that of other archives goes, as it is big."""
    named = [f"{one.parent.name}/{one.name}" for one in archives]
    name = f"{_NAME}-{digest_of(repr((VERSION, sorted(named))).encode())}"
    for former in cache.glob(f"{_NAME}-*"):
        if former.name != name:
            shutil.rmtree(former)
    return ensure_part(cache, name, lambda new: _fill(new, layout, processes, archives))


def _fill(root: Path, layout: Layout, processes: Processes, archives: Iterable[Path]) -> None:
    progress("unpacking images, once for all clusters to come")
    state = layout.state / _NAME
    state.mkdir(exist_ok=True)
    config, socket = state / "containerd.toml", state / "containerd.sock"
    config.write_text(_CONFIG.substitute(root=root, state=state))
    component = Component(_NAME, ("containerd", "--config", str(config)), f"unix:{socket}")
    _end(processes)  # of a session that was killed
    processes.start(component)
    try:
        processes.wait_ready(component)
        for archive in archives:
            import_image(socket, archive)
    finally:
        _end(processes)


def _end(processes: Processes) -> None:
    if running := processes.find(_NAME):
        end([running])
