"""libvirtd dies again and again, and hangs, while guests are built and started: nobody but the guests' start notices."""
import os
import pathlib
import re
import signal
import time

import pytest
from bad_days import Clients, events, last_event, messages
from drover import sh, virsh, wait_until

PID_FILE = pathlib.Path("/run/libvirtd.pid")


class Libvirtd:
    """The lab's own."""

    def __init__(self):
        self.pid = int(PID_FILE.read_text())

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not pathlib.Path(f"/proc/{self.pid}").exists(), "libvirtd is gone")

    def start(self):
        sh("libvirtd", "-d")
        self.pid = int(PID_FILE.read_text())

    def half_start(self, domain):
        """It dies after it noted the start of this one, and before there was a QEMU (docs/design/0028)."""
        self.end()
        os.kill(int(pathlib.Path(f"/run/libvirt/qemu/{domain}.pid").read_text()), signal.SIGKILL)
        status = pathlib.Path(f"/run/libvirt/qemu/{domain}.xml")
        text = re.sub(r"<domstatus state='[^']*' reason='[^']*' pid='\d+'>",
                      "<domstatus state='paused' reason='starting up' pid='0'>", status.read_text())
        status.write_text(text.replace("</devices>", "</devices>\n  <job type='none' async='start' flags='0x1'/>", 1))
        self.start()

    def free(self, drover):
        """What the fault of a guest says that libvirt does not let go (docs/design/0028)."""
        stuck = [guest for guest in drover.guests() if "/run/libvirt/qemu/" in (guest["fault"] or {}).get("message", "")]
        self.end()
        for guest in stuck:
            pathlib.Path(f"/run/libvirt/qemu/{guest['domain']}.xml").unlink()
        self.start()
        drover.ask("start", *(guest["name"] for guest in stuck), "--no-wait")

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)


@pytest.fixture
def libvirtd():
    """Running again afterwards, whatever the test did to it."""
    it = Libvirtd()
    yield it
    if not pathlib.Path(f"/proc/{it.pid}").exists():
        it.start()
    it.thaw()
    wait_until(lambda: "hypervisor" in virsh("version"), "libvirtd answers")


def has_moved(drover, since):
    """Whether a guest was moved after this event."""
    return any(event["kind"] == "phase" for event in events(drover, since))


def keep_busy(drover, owner, chance):
    """Some guest is to be restarted: there is always something left to do."""
    drover.ask("restart", chance.choice(owner.names()), "--no-wait")


@pytest.mark.promise("TRUST-11")
def test_killed_while_guests_are_built(drover, owner, libvirtd, full, chance, figure):
    count, kills = (30, 30) if full else (6, 3)
    begin = last_event(drover)
    owner.request(count, "--no-wait")
    longest = 0.0
    with Clients(drover, owner.name) as clients:
        for _ in range(kills):
            before = last_event(drover)
            keep_busy(drover, owner, chance)
            wait_until(lambda: has_moved(drover, before), "guests are moved", 300)
            libvirtd.end()
            keep_busy(drover, owner, chance)
            before = last_event(drover)
            libvirtd.start()
            back = time.monotonic()
            wait_until(lambda: has_moved(drover, before), "work goes on by itself", 60)
            longest = max(longest, time.monotonic() - back)
        owner.wait_for("ready", count, 1800)
    check(drover, owner, begin, clients, full, figure)
    figure("longest until work went on", longest, "s")


@pytest.mark.promise("TRUST-11")
def test_hung_while_guests_are_built(drover, owner, libvirtd, full, figure):
    count, seconds = (30, 60) if full else (6, 5)
    begin = last_event(drover)
    owner.request(count, "--no-wait")
    with Clients(drover, owner.name) as clients:
        before = last_event(drover)
        wait_until(lambda: has_moved(drover, before), "guests are moved", 300)
        libvirtd.freeze()
        time.sleep(seconds)  # that long it hangs; the clients go on
        before = last_event(drover)
        libvirtd.thaw()
        back = time.monotonic()
        wait_until(lambda: has_moved(drover, before), "work goes on by itself", 60)
        figure("until work went on", time.monotonic() - back, "s")
        owner.wait_for("ready", count, 1800)
    check(drover, owner, begin, clients, full, figure)


def check(drover, owner, begin, clients, full, figure):
    """Nothing was refused, nothing was held against a guest, nothing is wrong."""
    assert clients.refused == []
    figure("p99 of an answer meanwhile", clients.p99() * 1000, f"ms of {len(clients.took)}")
    if full:
        assert clients.p99() < 1
    assert [guest["fault"] for guest in owner.guests()] == [None] * len(owner.guests())
    assert [said for said in messages(drover, begin) if "nobody asked for it" in said] == []
    assert drover.domains() == sorted(guest["domain"] for guest in owner.guests())
    assert len(drover.guest_processes()) == len(owner.guests())
    assert drover.findings() == []


HOOK = pathlib.Path("/etc/libvirt/hooks/daemon.d/drover")  # the lab's own


@pytest.mark.promise("TRUST-11")
def test_a_start_that_libvirtd_died_in_is_done_again(drover, owner, libvirtd):
    owner.request(2)
    name = owner.names()[0]
    before = last_event(drover)
    libvirtd.half_start(drover.guest(name)["domain"])
    wait_until(lambda: has_moved(drover, before), "it is seen to be off", 60)
    owner.wait_for("ready", 2, 300)
    assert owner.ssh(name, "hostname") == name
    assert drover.findings() == []


@pytest.mark.promise("TRUST-11")
def test_without_the_hook_it_is_a_fault_that_says_what_to_do(drover, owner, libvirtd):
    hook = HOOK.read_bytes()
    HOOK.unlink()
    try:
        assert [check["level"] for check in drover.call("doctor").json if check["check"] == "libvirt-hook"] == ["warn"]
        owner.request(2)
        name, other = owner.names()
        domain = drover.guest(name)["domain"]
        libvirtd.half_start(domain)
        fault = wait_until(lambda: drover.guest(name)["fault"], "it is given up", 180)
        assert f"rm /run/libvirt/qemu/{domain}.xml" in fault["message"]
        assert drover.guest(other)["phase"] == "ready"
        libvirtd.free(drover)
        owner.wait_for("ready", 2, 300)
    finally:
        HOOK.write_bytes(hook)
        HOOK.chmod(0o755)
