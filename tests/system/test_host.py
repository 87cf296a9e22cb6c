"""Guests stop and start with their host: WAVE-8."""
import pathlib
import shutil

import pytest
from drover import BIN, ROOT, TINY, Drover, sh, wait_until

pytestmark = pytest.mark.promise("WAVE-8")
STATE = "/var/lib/drover-host"


def settings(boot):
    return (
        f"hosts: [{{name: local, vm_uri: 'fake://{STATE}/hypervisor'}}]\n"
        "network: {cidr: 10.48.16.0/20, host_names: none}\n"
        f"testing: {{enabled: true, guests: simulated, boot_id: {boot}}}\n"
    )


@pytest.fixture
def drover():
    drover = Drover("host", settings("one"))
    drover.start()
    drover.ask("image", "build", TINY)
    drover.ask("owner", "set", "alice", "--quota", 100)
    yield drover
    drover.ask("retire", "--all", "--yes")
    drover.stop()


def boot_anew(drover, boot):
    drover.config.write_text(f"instance: host\n{settings(boot)}")
    drover.start()


def phases(drover):
    return {guest["name"]: guest["phase"] for guest in drover.guests()}


def test_everybody_is_back_to_what_they_were(drover, full, chance):
    count = 60 if full else 20
    drover.ask("request", "--owner", "alice", "--count", count)
    names = [guest["name"] for guest in drover.guests()]
    off = chance.sample(names, count // 4)
    drover.ask("stop", *off)
    before = phases(drover)

    drover.say("host", "stop", "--no-wait", "--budget", "5m")
    drover.kill()
    drover.start()
    wait_until(lambda: drover.ask("host", "status") == {"mode": "stopped", "guests_up": 0, "force_in": None}, "all are off")
    assert [guest["desired"] == "stopped" for guest in drover.guests()] == [name in off for name in names]
    drover.kill()
    drover.start()
    assert set(phases(drover).values()) == {"stopped"}, "a new daemon is no new boot"
    drover.kill()

    boot_anew(drover, "two")
    wait_until(lambda: phases(drover) == before, "everybody is what they were")
    assert drover.findings() == []


def test_stopped_and_started_by_hand_with_autostart(drover):
    drover.ask("request", "--owner", "alice", "--count", 3)
    first, second, third = sorted(phases(drover))
    drover.ask("stop", second)
    assert drover.ask("autostart", "never", first)["changed"] == [first]
    assert drover.ask("autostart", "always", second, first)["changed"] == [first, second]
    assert drover.ask("autostart", "never", first)["changed"] == [first]
    assert drover.ask("show", third)["autostart"] == "last"
    assert drover.ask("host", "stop")["guests_up"] == 0
    assert drover.ask("host", "start")["mode"] == "running"
    wanted = {first: "stopped", second: "ready", third: "ready"}
    wait_until(lambda: phases(drover) == wanted, "everybody is what autostart says")


@pytest.mark.parametrize("arguments", [("autostart", "often", "x"), ("autostart", "last"), ("host", "stop", "--budget", "soon")])
def test_what_makes_no_sense_is_refused(drover, arguments):
    assert drover.call(*arguments).code == 2
    assert drover.ask("host", "status")["mode"] == "running"


def test_the_units_that_do_this_are_in_order(tmp_path):
    for program, place in (("drover", "/usr/local/bin"), ("droverd", "/usr/local/sbin")):
        pathlib.Path(place).mkdir(parents=True, exist_ok=True)
        shutil.copy(BIN / program, place)
    for unit in ("droverd", "drover-guests"):
        shutil.copy(ROOT / f"provisioner/daemon/{unit}@.service", tmp_path / f"{unit}@host.service")
    sh("systemd-analyze", "verify", "--man=no", tmp_path / "drover-guests@host.service", tmp_path / "droverd@host.service")
