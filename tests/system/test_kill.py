"""The daemon may die at any moment: nothing is lost, nothing is doubled, and guests do not notice."""
import pytest
from drover import assert_all_different, everywhere, ping, wait_until


@pytest.mark.promise("ROAD-8")
def test_killed_while_guests_are_built_and_started(drover, owner, full, chance, figure):
    count = 10 if full else 5
    owner.request(count, "--no-wait")
    moment = chance.randrange(count)
    wait_until(lambda: under_way(owner) > moment, f"more than {moment} guests are under way")
    figure("guests under way at the kill", under_way(owner), f"of {count}")
    drover.kill()
    drover.start()
    owner.wait_for("ready", count)
    assert_nothing_doubled(drover, owner, count)
    assert drover.findings() == []


def under_way(owner):
    return sum(phase != "reserved" for phase in owner.phases().values())


def assert_nothing_doubled(drover, owner, count):
    guests = owner.guests()
    assert_all_different([guest["address"] for guest in guests])
    assert drover.domains() == sorted(guest["domain"] for guest in guests)
    assert len(drover.guest_processes()) == len(drover.bridge_ports()) == len(drover.overlays()) == count
    assert_all_different(everywhere(lambda name: owner.ssh(name, "cat /etc/machine-id"), owner.names()))


@pytest.mark.promise("ROAD-8")
def test_guests_run_on_while_the_daemon_is_away(drover, owner):
    owner.request(1)
    name = owner.names()[0]
    boot = owner.boot_id(name)
    drover.stop()
    ping(name)
    assert drover.refuse(6, "list")["message"]
    drover.start()
    owner.wait_for("ready", 1)
    assert owner.boot_id(name) == boot
