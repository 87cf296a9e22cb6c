"""Real guests: what they share, what they keep, and what is left of them."""
import time

import pytest
from drover import TINY, assert_all_different, everywhere, ping, wait_until


@pytest.mark.promise("ROAD-1")
def test_guests_answer_by_name(drover, owner, figure):
    begin = time.monotonic()
    answer = owner.request(3)
    figure("three guests ready", time.monotonic() - begin, "s")
    assert answer["outcome"] == "done"
    assert answer["created"] == [f"{owner.name}-{n}" for n in (1, 2, 3)]
    for guest in owner.guests():
        assert (guest["phase"], guest["desired"], guest["image"]) == ("ready", "ready", TINY)
        assert guest["domain"] == f"{drover.instance}-{guest['id']}" and guest["domain"] in drover.domains()
        ping(guest["name"])
        assert owner.ssh(guest["name"], "hostname") == guest["name"]
        assert guest["mac"] in owner.ssh(guest["name"], "ip link")
        assert f"inet {guest['address']}/" in owner.ssh(guest["name"], "ip address")


@pytest.mark.promise("ROAD-4")
def test_guests_differ_in_all_that_must_differ(drover, owner, herd_size, figure):
    begin = time.monotonic()
    owner.request(herd_size)
    figure(f"{herd_size} guests ready", time.monotonic() - begin, "s")
    guests = owner.guests()
    names = [guest["name"] for guest in guests]
    assert len(names) == herd_size
    assert_all_different(names)
    assert_all_different([guest["address"] for guest in guests])
    assert_all_different([guest["mac"] for guest in guests])
    assert_all_different([drover.guest(name)["host_key"]["fingerprint"] for name in names])
    assert_all_different(everywhere(lambda name: owner.ssh(name, "cat /etc/machine-id"), names))


@pytest.mark.promise("ROAD-5")
def test_own_files_survive_a_stop_and_are_gone_after_a_rebuild(drover, owner, herd_size):
    owner.request(herd_size)
    names = owner.names()
    before = [drover.guest(name) for name in names]
    everywhere(lambda name: owner.ssh(name, f"echo {name} >/home/mine && echo {name} >/usr/local/mine && sync"), names)

    drover.ask("stop", "--owner", owner.name)
    assert set(owner.phases().values()) == {"stopped"}
    drover.ask("start", "--owner", owner.name)
    read = everywhere(lambda name: owner.ssh(name, "cat /home/mine /usr/local/mine").split(), names)
    assert read == [[name, name] for name in names]
    assert [drover.guest(name)["host_key"] for name in names] == [guest["host_key"] for guest in before]

    drover.ask("rebuild", "--owner", owner.name, "--yes")
    left = everywhere(lambda name: owner.ssh(name, "ls /home/mine /usr/local/mine 2>/dev/null | wc -l"), names)
    assert left == ["0"] * herd_size
    kept = [{key: guest[key] for key in ("name", "address", "mac", "id")} for guest in before]
    assert [{key: drover.guest(name)[key] for key in kept[0]} for name in names] == kept


@pytest.mark.promise("ROAD-5")
def test_the_shared_root_cannot_be_written(owner):
    owner.request(1)
    name = owner.names()[0]
    assert owner.try_ssh(name, "touch /usr/bin/mine").returncode != 0
    assert owner.try_ssh(name, "rm /usr/bin/* /bin/*").returncode != 0
    assert owner.ssh(name, "ls /usr/bin | wc -l") != "0"


@pytest.mark.promise("ROAD-6")
def test_poweroff_inside_leaves_it_stopped_and_reboot_brings_it_back(drover, owner, herd_size):
    owner.request(herd_size)
    names = owner.names()
    leaving, returning = names[::2], names[1::2]
    boots = dict(zip(returning, everywhere(owner.boot_id, returning)))
    everywhere(lambda name: owner.try_ssh(name, "poweroff"), leaving)
    everywhere(lambda name: owner.try_ssh(name, "reboot"), returning)

    for name in leaving:
        wait_until(lambda: drover.guest(name)["phase"] == "stopped", f"{name} is stopped", 120)
        assert drover.guest(name)["desired"] == "stopped"
    for name in returning:
        wait_until(lambda: owner.boot_id(name) not in ("", boots[name]), f"{name} has booted anew", 180)
        wait_until(lambda: drover.guest(name)["phase"] == "ready", f"{name} is ready")
    # Those that left were left alone meanwhile, not started again for being down.
    assert {drover.guest(name)["phase"] for name in leaving} == {"stopped"}


@pytest.mark.promise("ROAD-7")
def test_nothing_is_left_of_retired_guests(drover, owner, herd_size, figure):
    owner.request(herd_size)
    names = owner.names()
    assert len(drover.domains()) == len(drover.guest_processes()) == len(drover.bridge_ports()) == herd_size
    begin = time.monotonic()
    answer = drover.ask("retire", "--all", "--yes")
    figure(f"{herd_size} guests retired", time.monotonic() - begin, "s")
    assert {item["outcome"] for item in answer["items"]} == {"done"}

    assert drover.guests() == []
    assert drover.domains() == []
    assert drover.overlays() == []
    assert drover.bridge_ports() == []
    wait_until(lambda: not drover.guest_processes(), "the guests' processes are gone")
    assert [name for name in names if name in drover.known_names()] == []
    assert drover.findings() == []
