"""A disk gets full while an image is built, guests are upgraded, an overlay is copied: nothing half is ever seen, and all
goes on when there is space."""
import pathlib
import shutil

import pytest
from bad_days import MIB, SmallDisk, add_owner, await_ready, built_state, by_name, put_state, remove, simulated
from drover import ROOT, TINY, wait_until

OWN = pathlib.Path("/etc/drover/images") / TINY  # the lab's own


@pytest.fixture(scope="module")
def seed():
    return built_state()


@pytest.fixture
def small(seed, tmp_path):
    """A daemon with two ready guests, all of whose state lies on a small disk; a recipe of its own goes before the image's."""
    drover = simulated("fullimg", "10.57.0.0/24", "retire: {keep: 1h}\n")
    disk = SmallDisk(drover.state, tmp_path / "disk", 400 * MIB)
    put_state(seed, drover)
    drover.start()
    add_owner(drover)
    drover.ask("request", "--owner", "alice", "--count", 2)
    shutil.copytree(ROOT / "images" / TINY, OWN)
    (OWN / "root/etc/motd").write_text("another version\n")
    yield drover, disk
    shutil.rmtree(OWN)
    drover.stop()
    disk.unmount()
    remove(drover)


def versions(drover):
    return [row["version"] for row in drover.ask("image", "list") if row["version"]]


def build_other(drover):
    """The version that the recipe of one's own makes."""
    return drover.ask("image", "build", TINY)["message"]


@pytest.mark.promise("TRUST-12")
def test_while_an_image_is_built(small, full):
    drover, disk = small
    (first,) = versions(drover)
    for left in (1, 40, 130) if full else (40,):  # MiB: it ends at different places
        disk.fill(but=left * MIB)
        failed = drover.call("image", "build", TINY)
        assert failed.code == 1 and ("disk full" in failed.err or "MiB free in" in failed.err), failed.err
        assert versions(drover) == [first], "no half version is seen"
        assert sorted(path.name for path in (drover.state / "roots" / TINY).iterdir() if path.is_dir()) == [first[7:]]
        disk.give_space()
        assert drover.findings() == []
    assert len({first, build_other(drover)}) == 2
    await_ready(drover, by_name(drover))


@pytest.mark.promise("TRUST-12")
def test_while_guests_are_upgraded(small):
    drover, disk = small
    two = build_other(drover)
    drover.ask("image", "promote", TINY)
    disk.fill()
    accepted = drover.call("upgrade", "--owner", "alice", "--no-wait")
    assert accepted.code in (0, 6), accepted.err
    disk.give_space()
    if accepted.code != 0:
        drover.ask("upgrade", "--owner", "alice", "--no-wait")
    wait_until(lambda: {guest["version"] for guest in drover.guests()} == {two}, "all run the new version")
    await_ready(drover, by_name(drover))
    assert [guest["fault"] for guest in drover.guests()] == [None, None]
    assert drover.findings() == []


@pytest.mark.promise("TRUST-12")
def test_while_an_overlay_is_copied(small):
    drover, disk = small
    drover.ask("snapshot", "alice-1", "--name", "before")
    disk.fill(but=MIB // 2)
    drover.call("snapshot", "alice-1", "--no-wait")
    drover.call("restore", "alice-2", "--yes", "--no-wait")
    drover.call("retire", "alice-2", "--yes", "--no-wait")
    disk.give_space()
    drover.ask("snapshot", "alice-1", "--name", "after")
    wait_until(lambda: list(by_name(drover)) == ["alice-1"] or drover.call("retire", "alice-2", "--yes").code == 0, "it is away")
    assert drover.ask("recover", "alice-2")["outcome"] == "done"
    assert {"before", "after"} <= {copy["name"] for copy in drover.ask("copies", "list", "alice-1")}
    await_ready(drover, ["alice-1", "alice-2"])
    assert not list((drover.state / "copies").glob("*.part"))
    assert drover.findings() == []
