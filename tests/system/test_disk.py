"""What many guests of one image cost: the root is there once, on disk and in the host's page cache."""
import os
import pathlib
import random
import shutil

import pytest
from boxes import processes
from drover import ROOT, TINY, Drover, Owner, everywhere, sh

MB = 1_000_000
LARGE = 50 * MB
LARGE_FILE = "usr/share/large"
SETTINGS = "timeouts: {ready: 600s, stop: 120s}\nquota: {default: 200}\n"


@pytest.fixture(scope="module")
def drover():
    one = Drover("disk", SETTINGS)
    one.start()
    yield one
    one.stop()


def used(path):
    """Bytes of the disk that a file, or all that is in a folder, takes."""
    return int(sh("du", "-s", "--block-size=1", path).split()[0])


def overlays(drover, guests):
    return [used(drover.state / "overlays" / str(guest["id"])) for guest in guests]


def guests_that_never_ran(drover, owner, image, count):
    """While the host is stopped, guests are made and not started; half of them are vms."""
    drover.ask("host", "stop")
    for kind in ("vm", "container"):
        owner.request(count // 2, "--image", image, "--kind", kind, "--no-wait")
    owner.wait_for("stopped", count)
    drover.ask("stop", "--owner", owner.name)
    drover.ask("host", "start")


@pytest.mark.promise("IMAGE-10")
def test_the_root_and_the_prototype_are_there_once(drover, keys, full, figure):
    image, count, running = ("debian", 100, {"vm": 5, "container": 20}) if full else (TINY, 20, {"container": 4})
    drover.ask("image", "build", image)
    roots, before = used(drover.state / "roots"), used(drover.state)
    owner = Owner(drover, "many", keys, quota=count)
    guests_that_never_ran(drover, owner, image, count)

    prototypes, templates = used(drover.state / "prototypes"), used(drover.state / "templates")
    each = (used(drover.state) - before - prototypes - templates) / count
    figure(f"{count} guests of {image} that never ran", each / MB, "MB each, with their share of the registry")
    figure("root", roots / MB, "MB")
    figure("prototype", prototypes / MB, "MB")
    figure("template", templates / MB, "MB")
    assert used(drover.state / "roots") == roots
    assert len(list((drover.state / "prototypes").iterdir())) <= 2  # the profile's, and a template's disk
    assert each < 1 * MB and max(overlays(drover, owner.guests())) < 1 * MB

    for kind, number in running.items():
        started = [guest for guest in owner.guests() if guest["kind"] == kind][:number]
        names = [guest["name"] for guest in started]
        drover.ask("start", *names, "--timeout", "0")
        everywhere(lambda name: owner.ssh(name, "sync"), names)
        most = max(overlays(drover, started))
        figure(f"the most that one of {number} started guests of kind {kind} takes", most / MB, "MB")
        assert most < 8 * MB
    owner.retire_all()
    assert drover.findings() == []


def recipe_with_large_file(name):
    """`tiny` with a file that is as compressible as programs are: to a half."""
    folder = pathlib.Path("/etc/drover/images") / name  # the lab's own
    shutil.copytree(ROOT / f"images/{TINY}", folder)
    image = folder / "image.yaml"
    image.write_text(image.read_text().replace(f"name: {TINY}", f"name: {name}"))
    block, chance = 5000, random.Random(name)
    large = b"".join(chance.randbytes(block // 2) + bytes(block // 2) for _ in range(LARGE // block))
    file = folder / "root" / LARGE_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(large)


def forget(path):
    """The host's page cache has nothing of the file any more."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cached(files):
    """Bytes of these files in the page cache of the host; a file that has several paths counts once."""
    different = {(path.stat().st_dev, path.stat().st_ino): path for path in files}
    return sum(int(sh("fincore", "--bytes", "--noheadings", "--output", "RES", path)) for path in different.values())


def page_cache():
    """Bytes of the host's page cache, of all that runs on it."""
    lines = (line.split() for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
    return sum(int(words[1]) * 1024 for words in lines if words[0] in ("Buffers:", "Cached:"))


@pytest.mark.promise("IMAGE-11")
@pytest.mark.parametrize("kind", [pytest.param("vm", marks=pytest.mark.only_full), "container"])
def test_what_many_guests_read_is_cached_once(drover, keys, full, figure, kind):
    """
    The host caches a version's root.squashfs and, for containers, what it unpacks of it: they share one mounted file
    system. A vm unpacks into its own memory, which is not counted here. The whole page cache of the host is a figure
    only: others use it meanwhile.
    """
    count = 20 if full else 4
    image = f"large-{kind}"
    recipe_with_large_file(image)
    version = drover.ask("image", "build", image)["message"].removeprefix("sha256:")
    root = drover.state / "roots" / image / version / "root.squashfs"
    owner = Owner(drover, f"read-{kind}", keys, quota=count)
    owner.request(count, "--image", image, "--kind", kind, "--timeout", "0")
    files = [root]
    if kind == "container":
        files += [pathlib.Path(f"/proc/{processes(guest['domain'])[0]}/root/{LARGE_FILE}") for guest in owner.guests()]

    forget(root)
    seen = [(cached(files), page_cache())]
    for readers in (owner.names()[:1], owner.names()[1:]):
        everywhere(lambda name: owner.ssh(name, f"cat /{LARGE_FILE} >/dev/null"), readers)
        seen.append((cached(files), page_cache()))
    for what, sizes in zip(("of it and of root.squashfs", "of all"), zip(*seen)):
        figure(f"cached {what} before, after one guest, after all {count}", [size // MB for size in sizes], "MB")
    assert seen[1][0] - seen[0][0] < 2 * LARGE, "one guest"
    assert seen[2][0] - seen[0][0] < 2 * LARGE, "all of them"
    owner.retire_all()
