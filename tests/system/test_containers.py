"""Real containers: the same life as a vm's, nothing left on the host, and nobody gets out."""
import os
import pathlib
import signal
import socket
import time

import boxes
import pytest
from drover import Owner, assert_all_different, everywhere, lxc, ping, sh, wait_until


@pytest.fixture
def boxed(owner):
    """boxed(count): names of so many containers of the owner, ready."""

    def request(count):
        assert owner.request(count, "--kind", "container")["outcome"] == "done"
        return owner.names()

    return request


def assert_nothing_left(drover):
    def clean():
        left = {what: things for what, things in boxes.traces(drover).items() if things}
        return not left or left

    wait_until(lambda: clean() is True, "nothing is left of the containers")
    assert drover.findings() == []


# ---- a life like a vm's


@pytest.mark.promise("BOX-1")
def test_containers_answer_by_name(drover, owner, boxed, figure):
    begin = time.monotonic()
    names = boxed(3)
    figure("three containers ready", time.monotonic() - begin, "s")
    for guest in owner.guests():
        assert (guest["phase"], guest["kind"]) == ("ready", "container")
        assert guest["domain"] in lxc("list", "--name").split()
        ping(guest["name"])
        assert owner.ssh(guest["name"], "hostname") == guest["name"]
        assert guest["mac"] in owner.ssh(guest["name"], "ip link")
        assert f"inet {guest['address']}/" in owner.ssh(guest["name"], "ip address")
    assert_all_different([drover.guest(name)["host_key"]["fingerprint"] for name in names])
    assert_all_different(everywhere(lambda name: owner.ssh(name, "cat /etc/machine-id"), names))
    assert owner.ssh(names[0], f"nc -w 5 {owner.guests()[1]['address']} 22 </dev/null | head -c 4") == "SSH-"
    assert drover.findings() == []


@pytest.mark.promise("BOX-1")
def test_both_kinds_side_by_side(drover, owner, boxed):
    boxed(1)
    owner.request(1, "--kind", "vm")
    assert sorted(guest["kind"] for guest in owner.guests()) == ["container", "vm"]
    assert set(owner.phases().values()) == {"ready"}
    for name in owner.names():
        ping(name)
    assert drover.findings() == []


@pytest.mark.promise("BOX-2")
def test_own_files_survive_a_stop_and_are_gone_after_a_rebuild(drover, owner, boxed, herd_size):
    names = boxed(herd_size)
    everywhere(lambda name: owner.ssh(name, f"echo {name} >/home/mine && echo {name} >/var/mine"), names)
    keys = [drover.guest(name)["host_key"] for name in names]
    drover.ask("stop", "--owner", owner.name)
    assert set(owner.phases().values()) == {"stopped"}
    drover.ask("start", "--owner", owner.name)
    read = everywhere(lambda name: owner.ssh(name, "cat /home/mine /var/mine").split(), names)
    assert read == [[name, name] for name in names]
    assert [drover.guest(name)["host_key"] for name in names] == keys
    drover.ask("rebuild", "--owner", owner.name, "--yes")
    left = everywhere(lambda name: owner.ssh(name, "ls /home/mine /var/mine 2>/dev/null | wc -l"), names)
    assert left == ["0"] * herd_size


@pytest.mark.promise("BOX-1")
def test_new_keys_let_in_old_ones_do_not_and_the_host_key_stays(drover, owner, boxed, keys):
    (name,) = boxed(1)
    host_key = drover.guest(name)["host_key"]
    (keys / "new").mkdir(exist_ok=True)
    again = Owner(drover, owner.name, keys / "new", quota=40)
    wait_until(lambda: again.try_ssh(name, "true").returncode == 0, "the new key lets in")
    assert owner.try_ssh(name, "true").returncode != 0
    assert drover.guest(name)["host_key"] == host_key


@pytest.mark.promise("BOX-2")
def test_poweroff_inside_leaves_it_stopped_and_reboot_brings_it_back(drover, owner, boxed):
    leaving, returning = boxed(2)
    boot, domain = owner.boot_id(returning), drover.guest(returning)["domain"]
    machine = boxes.controller(domain)
    owner.ssh(returning, "echo kept >/home/mine")
    owner.try_ssh(leaving, "poweroff")
    owner.try_ssh(returning, "reboot")
    wait_until(lambda: drover.guest(leaving)["phase"] == "stopped", f"{leaving} is stopped")
    assert drover.guest(leaving)["desired"] == "stopped"
    wait_until(lambda: owner.boot_id(returning) not in ("", boot), f"{returning} is back")
    wait_until(lambda: drover.guest(returning)["phase"] == "ready", f"{returning} is ready")
    assert owner.ssh(returning, "cat /home/mine") == "kept"
    assert boxes.controller(domain) == machine, "a restart from within stays within"


@pytest.mark.promise("BOX-3")
def test_nothing_is_left_after_stop_and_after_retire(drover, owner, boxed, herd_size, figure):
    names = boxed(herd_size)
    traces = boxes.traces(drover)
    assert len(traces["processes"]) == len(traces["veths"]) == len(traces["loops"]) == herd_size
    assert traces["mounts"] == [], "nothing of a running container is mounted on the host"
    begin = time.monotonic()
    drover.ask("stop", "--owner", owner.name)
    figure(f"{herd_size} containers stopped", time.monotonic() - begin, "s")
    traces = boxes.traces(drover)
    assert traces["processes"] == traces["veths"] == traces["loops"] == traces["mounts"] == []
    assert drover.findings() == []
    drover.ask("start", names[0])
    drover.ask("retire", "--owner", owner.name, "--yes")
    assert_nothing_left(drover)


@pytest.mark.promise("BOX-4")
def test_killed_while_containers_are_started(drover, owner, herd_size, chance, figure):
    owner.request(herd_size, "--kind", "container", "--no-wait")
    moment = chance.randrange(herd_size)
    wait_until(lambda: sum(phase != "reserved" for phase in owner.phases().values()) > moment, "some are under way")
    drover.kill()
    drover.start()
    owner.wait_for("ready", herd_size)
    guests = owner.guests()
    assert drover.domains() == sorted(guest["domain"] for guest in guests)
    assert len(boxes.traces(drover)["processes"]) == herd_size
    figure("killed with guests under way", moment + 1, f"of {herd_size}")
    assert drover.findings() == []


@pytest.mark.promise("BOX-4")
def test_containers_run_on_while_the_daemon_is_away(drover, owner, boxed):
    name = boxed(1)[0]
    boot = owner.boot_id(name)
    drover.kill()
    ping(name)
    drover.start()
    owner.wait_for("ready", 1)
    assert owner.boot_id(name) == boot
    drover.ask("stop", name)  # over the channel that was opened anew
    assert drover.guest(name)["phase"] == "stopped"


@pytest.mark.promise("BOX-4")
def test_a_container_that_was_ended_from_outside_comes_back(drover, owner, boxed):
    destroyed, killed = boxed(2)
    boots = {name: owner.boot_id(name) for name in (destroyed, killed)}
    lxc("destroy", drover.guest(destroyed)["domain"])
    os.kill(boxes.controller(drover.guest(killed)["domain"]), signal.SIGKILL)
    for name in (destroyed, killed):
        wait_until(lambda: owner.boot_id(name) not in ("", boots[name]), f"{name} is back")
    owner.wait_for("ready", 2)


# ---- nobody gets out


@pytest.mark.promise("BOX-5")
def test_root_inside_is_nobody_outside(drover, owner, boxed, keys):
    name, neighbour = boxed(2)
    mine, theirs = (boxes.users(drover.guest(guest)["domain"]) for guest in (name, neighbour))
    assert mine and theirs and min(mine | theirs) >= boxes.FIRST_UID
    assert not {user // 65536 for user in mine} & {user // 65536 for user in theirs}, "each has users of its own"

    program = boxes.privileged(keys)
    owner.ssh(name, f"echo {program} | base64 -d >/home/program && chmod 4755 /home/program")
    assert owner.try_ssh(name, "/home/program").returncode == 0
    as_nobody = "su -s /bin/sh nobody -c /home/program"
    assert owner.try_ssh(name, as_nobody).returncode == 1, "setuid on an overlay does nothing"
    assert owner.try_ssh(name, "mount -o remount,bind,suid,dev /home").returncode != 0


@pytest.mark.promise("BOX-5")
def test_devices_kernel_and_mounts_of_the_host_are_out_of_reach(drover, owner, boxed):
    name = boxed(1)[0]
    for attempt in (
        "mknod /root/disk b 7 0",
        "mknod /tmp/mem c 1 1",
        "mount -o remount,rw /",
        "mount -o remount,bind,rw /",
        "touch /usr/bin/mine",
        "echo h >/proc/sysrq-trigger",
        "echo 1 >/proc/sys/kernel/panic",
        "echo /x >/proc/sys/kernel/core_pattern",
        "echo 1 >/sys/kernel/mm/ksm/run",
        "dmesg -c",
        "insmod /lib/modules/x.ko",
        "cat /dev/loop0",
    ):
        assert owner.try_ssh(name, attempt).returncode != 0, attempt
    owner.try_ssh(name, "date -s 2001-01-01")
    assert time.gmtime().tm_year > 2001
    mounts = owner.ssh(name, "cat /proc/self/mountinfo")
    for secret in (str(drover.state), str(drover.socket.parent), "/run/libvirt/network", os.getcwd()):
        assert secret not in mounts
    assert owner.ssh(name, "ls /mnt /.oldroot | grep -v : | wc -w") == "0"
    processes = set(owner.ssh(name, "ls /proc").split())
    assert str(drover.process.pid) not in processes or owner.try_ssh(
        name, f"grep -q droverd /proc/{drover.process.pid}/comm").returncode != 0
    assert "droverd" not in owner.ssh(name, "cat /proc/[0-9]*/comm")


@pytest.mark.promise("BOX-5")
def test_abstract_sockets_of_the_host_do_not_exist_inside(owner, boxed):
    name = boxed(1)[0]
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("\0drover-of-the-host")
        door.listen()
        assert "@drover-of-the-host" in pathlib.Path("/proc/net/unix").read_text()
        assert "drover-of-the-host" not in owner.ssh(name, "cat /proc/net/unix")


# ---- nobody takes what is the others'


def bomb(owner, name, program):
    """Leaves a program running in the guest, whatever becomes of the login."""
    owner.try_ssh(name, f"(setsid sh -c '{program}' >/dev/null 2>&1 </dev/null &)")


@pytest.mark.promise("BOX-6")
def test_a_fork_bomb_stays_inside(drover, owner, boxed, figure):
    name, neighbour = boxed(2)
    domain = drover.guest(name)["domain"]
    bomb(owner, name, "while :; do sleep 300 & done")
    wait_until(lambda: len(boxes.processes(domain)) >= boxes.PROCESSES / 2, "the bomb went off")
    begin, most = time.monotonic(), 0
    while time.monotonic() - begin < 5:
        most = max(most, len(boxes.processes(domain)))
        ping(neighbour)
        assert owner.ssh(neighbour, "sleep 0 && echo well") == "well"
    figure("processes of the bomb", most, f"of {boxes.PROCESSES}")
    assert most <= boxes.PROCESSES
    begin = time.monotonic()
    drover.ask("stop", name)
    figure("stopped it", time.monotonic() - begin, "s")
    drover.ask("start", name)
    assert owner.ssh(name, "echo well") == "well"


@pytest.mark.promise("BOX-6")
def test_a_full_overlay_stays_inside(drover, owner, boxed, figure):
    name, neighbour = boxed(2)
    image = next((drover.state / "overlays" / str(drover.guest(name)["id"])).glob("*.img"))
    assert owner.try_ssh(name, "dd if=/dev/zero of=/home/big bs=1M").returncode != 0
    owner.ssh(neighbour, "dd if=/dev/zero of=/home/some bs=1M count=8 && sync && rm /home/some")
    figure("of the host's disk", image.stat().st_blocks * 512 // 2**20, "MiB")
    assert image.stat().st_blocks * 512 <= 2**30
    drover.ask("restart", name)
    assert owner.ssh(name, "rm /home/big && echo well >/home/small && cat /home/small") == "well"
    assert drover.findings() == []


@pytest.mark.promise("BOX-6")
def test_memory_is_bounded(drover, owner, boxed):
    name, neighbour = boxed(2)
    owner.try_ssh(name, "dd if=/dev/zero of=/tmp/big bs=1M count=400; tail /dev/zero")
    ping(neighbour)
    assert owner.ssh(neighbour, "echo well") == "well"
    drover.ask("restart", name)
    assert owner.ssh(name, "ls /tmp | wc -l") == "0"


# ---- fsck


@pytest.mark.promise("BOX-7")
def test_fsck_finds_orphans_of_containers_and_mends_them(drover, owner, boxed):
    name = boxed(1)[0]
    guest = drover.guest(name)
    overlay = drover.state / "overlays" / str(guest["id"])
    copy = pathlib.Path(f"{overlay}.kept")
    xml = lxc("dumpxml", "--inactive", guest["domain"])
    sh("cp", "-a", "--sparse=always", overlay, copy)
    drover.ask("retire", name, "--yes")
    definition = drover.socket.parent / "orphan.xml"
    definition.write_text(xml)
    lxc("define", definition)
    copy.rename(overlay)
    found = {(finding["kind"], finding["object"]) for finding in drover.findings()}
    assert found == {("orphan-domain", guest["domain"]), ("orphan-overlay", str(overlay))}
    assert drover.call("fsck", "--repair").code == 1
    assert drover.findings() == []
    assert lxc("list", "--all", "--name").split() == []
    assert list((drover.state / "lost").glob(f"{guest['id']}-*/*.img"))


@pytest.mark.promise("BOX-7")
def test_fsck_misses_the_overlay_of_a_container(drover, owner, boxed):
    name = boxed(1)[0]
    drover.ask("stop", name)
    image = next((drover.state / "overlays" / str(drover.guest(name)["id"])).glob("*.img"))
    aside = image.with_suffix(".aside")
    image.rename(aside)
    assert [(finding["kind"], finding["guest"]) for finding in drover.findings()] == [("missing-overlay", name)]
    aside.rename(image)
    assert drover.findings() == []
