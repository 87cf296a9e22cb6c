"""A disk gets full: the registry's, the overlays', the log's, the socket's. What was acknowledged stays, what runs goes
on, what cannot be done is refused with a word that helps, and when there is space all goes on by itself."""
import pathlib

import pytest
from bad_days import (
    MIB,
    SmallDisk,
    add_owner,
    await_ready,
    built_state,
    by_name,
    messages,
    put_state,
    remove,
    simulated,
)
from drover import sh, virsh, wait_until

WITHIN = 30  # seconds of space being made


@pytest.fixture(scope="module")
def seed():
    return built_state()


@pytest.fixture
def disk_at(tmp_path):
    """disk_at(folder): a small disk there; unmounted afterwards."""
    disks = []

    def make(folder):
        disks.append(SmallDisk(folder, tmp_path / f"disk{len(disks)}"))
        return disks[-1]

    yield make
    for disk in disks:
        disk.unmount()


@pytest.fixture
def small(seed, disk_at):
    """A daemon on simulated guests that was never started; its state is put in place by the test."""
    drover = simulated("full", "10.58.0.0/24", "log: {level: debug}\n")
    yield drover
    remove(drover)


def begin(drover):
    """Three guests that are ready."""
    drover.start()
    add_owner(drover)
    drover.ask("request", "--owner", "alice", "--count", 3)
    return by_name(drover)


def assert_clear(error):
    assert error["kind"] == "unavailable" and "disk full" in error["message"], error
    assert "make room" in error["hint"], error


def assert_untouched(drover, before):
    """The guests that ran still do, and never did anything else."""
    now = by_name(drover)
    for name, guest in before.items():
        assert now[name] == guest


def use_up(drover, disk):
    """Asks for guests on a disk that is nearly full until it is refused; the names that were acknowledged till then."""
    disk.fill(but=2 * MIB)
    acknowledged = []
    while True:
        answer = drover.call("request", "--owner", "alice", "--count", 1, "--additional", "--no-wait")
        if answer.code != 0:
            assert answer.code == 6, answer.err
            assert_clear(answer.error)
            return acknowledged
        acknowledged += answer.json["created"]


def goes_on(drover, acknowledged):
    """Within 30 s: new requests work, and what waited is done."""
    wait_until(
        lambda: drover.call("request", "--owner", "alice", "--count", 1, "--additional", "--no-wait").code == 0,
        "new requests are taken",
        WITHIN,
    )
    await_ready(drover, [*by_name(drover)], WITHIN)
    assert set(acknowledged) <= set(by_name(drover))
    assert drover.findings() == []


@pytest.mark.promise("TRUST-12")
def test_under_the_registry(small, seed, disk_at, figure):
    disk = disk_at(small.state)
    put_state(seed, small)
    before = begin(small)
    acknowledged = use_up(small, disk)
    assert acknowledged
    figure("requests acknowledged on a full disk", len(acknowledged), "")
    while (refused := small.call("owner", "set", "bob")).code == 0:
        disk.fill()
    assert refused.code == 6
    assert_clear(refused.error)
    assert_untouched(small, before)
    small.kill()
    disk.give_space()
    small.start()
    goes_on(small, acknowledged)
    assert_untouched(small, before)
    assert (small.state / "reserve").exists()


@pytest.mark.promise("TRUST-12")
def test_under_the_registry_while_work_is_under_way(small, seed, disk_at):
    disk = disk_at(small.state)
    put_state(seed, small)
    before = begin(small)
    disk.fill()
    assert small.call("stop", "alice-1").code == 0, "what the reserve is for"
    assert small.phases()["alice-1"] == "stopped"
    acknowledged = use_up(small, disk)
    disk.give_space()
    small.ask("start", "alice-1")
    goes_on(small, acknowledged)
    del before["alice-1"]
    assert_untouched(small, before)


@pytest.mark.promise("TRUST-12")
def test_under_the_overlays(small, seed, disk_at):
    put_state(seed, small)
    disk = disk_at(small.state / "overlays")
    before = begin(small)
    disk.fill()
    assert_clear(small.refuse(6, "request", "--owner", "alice", "--count", 4))
    small.ask("rebuild", "alice-3", "--yes", "--no-wait")
    wait_until(lambda: any("build waits for space: " in said for said in messages(small)), "it is said why it waits")
    assert by_name(small)["alice-3"]["fault"] is None
    disk.give_space()
    goes_on(small, before)
    del before["alice-3"]
    assert_untouched(small, before)


@pytest.mark.promise("TRUST-12")
def test_under_the_log(small, seed, disk_at):
    disk = disk_at("/var/log/drover-full")
    small.log = disk.folder / "log"
    put_state(seed, small)
    before = begin(small)
    disk.fill()
    small.ask("request", "--owner", "alice", "--count", 6)
    assert_untouched(small, before)
    disk.give_space()
    size = small.log.stat().st_size
    goes_on(small, [f"alice-{n}" for n in range(1, 7)])
    assert small.log.stat().st_size > size, "it is written again"
    small.stop()


@pytest.mark.promise("TRUST-12")
def test_under_the_socket(small, seed):
    """Where no file can be made, /run is full."""
    folder = small.socket.parent
    folder.mkdir(exist_ok=True)
    sh("mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=8", "tmpfs", folder)
    try:
        put_state(seed, small)
        before = begin(small)
        fillers = fill_with_files(folder)
        small.ask("request", "--owner", "alice", "--count", 4)
        small.kill()
        small.socket.unlink(missing_ok=True)
        (folder / "one-more").touch()
        small.log.write_text("")
        with pytest.raises(AssertionError, match="droverd ended with 6"):
            small.start()
        small.process = None
        assert "make room" in small.log_tail() and str(small.socket) in small.log_tail()
        for filler in fillers:
            filler.unlink()
        small.start()
        goes_on(small, before)
        assert_untouched(small, before)
        small.stop()
    finally:
        sh("umount", "--lazy", folder)


def fill_with_files(folder):
    fillers = []
    while True:
        filler = pathlib.Path(folder / f"filler-{len(fillers)}")
        try:
            filler.touch()
        except OSError:
            return fillers
        fillers.append(filler)


@pytest.mark.promise("TRUST-12")
def test_a_running_guest_waits_for_space(drover, owner, disk_at):
    """A real one, that writes more than its disk holds: it stands still and then goes on, as if nothing had been."""
    owner.request(1)
    name = owner.names()[0]
    drover.ask("stop", name)
    overlay = drover.state / "overlays" / str(drover.guest(name)["id"])
    kept = overlay.with_name(f"{overlay.name}.kept")
    overlay.rename(kept)
    disk = disk_at(overlay)
    sh("cp", "-a", *kept.glob("*"), overlay)
    sh("chown", "--reference", kept, overlay)
    drover.ask("start", name)
    boot = owner.boot_id(name)
    disk.fill()
    begun = drover.guest(name)
    owner.ssh(name, "(dd if=/dev/zero of=/usr/local/much bs=1M count=8 && sync && touch /usr/local/done) >/dev/null 2>&1 &")
    domain = drover.guest(name)["domain"]
    wait_until(lambda: virsh("domstate", domain).strip() == "paused", "the guest stands still")
    disk.give_space()
    wait_until(lambda: owner.try_ssh(name, "test -e /usr/local/done").returncode == 0, "it goes on", WITHIN)
    assert owner.boot_id(name) == boot
    assert {**drover.guest(name), "traffic": None} == {**begun, "traffic": None}
    drover.ask("stop", name)
    sh("cp", "-a", *overlay.glob("*.qcow2"), kept)
    disk.unmount()
    overlay.rmdir()
    kept.rename(overlay)
    assert drover.findings() == []
