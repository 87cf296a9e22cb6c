"""The road: two commands, and real guests answer."""
import concurrent.futures
import time

import pytest
from drover import TINY, ping, restore, wait_until


def everywhere(function, guests):
    """The function on every guest, a few at once, in order."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(function, guests))


def assert_all_different(values):
    assert len(set(values)) == len(values), sorted(values)


@pytest.mark.promise("ROAD-1")
def test_three_guests_answer_by_name(owner, figure):
    begin = time.monotonic()
    answer = owner.request(3)
    figure("three guests ready", time.monotonic() - begin, "s")
    assert answer["outcome"] == "done"
    assert answer["created"] == [f"{owner.name}-{n}" for n in (1, 2, 3)]
    for guest in owner.guests():
        assert (guest["phase"], guest["desired"], guest["image"]) == ("ready", "ready", TINY)
        ping(guest["name"])
        assert owner.ssh(guest["name"], "hostname") == guest["name"]


@pytest.mark.promise("ROAD-2")
def test_a_request_makes_the_shortfall(drover, owner):
    drover.ask("owner", "set", owner.name, "--quota", 10)
    assert owner.request(5, "--no-wait")["created"] == [f"{owner.name}-{n}" for n in range(1, 6)]
    again = owner.request(5, "--no-wait")
    assert (again["created"], len(again["existing"]), again["outcome"]) == ([], 5, "done")
    assert len(owner.request(7, "--no-wait")["created"]) == 2
    assert len(owner.request(1, "--additional", "--no-wait")["created"]) == 1

    before = owner.names()
    error = drover.refuse(4, "request", "--owner", owner.name, "--count", 11)
    assert error["kind"] and "10" in error["message"]
    assert owner.names() == before and len(before) == 8


@pytest.mark.promise("ROAD-2")
def test_nothing_to_do_says_so_and_names_additional(drover, owner):
    owner.request(1)
    said = drover.say("request", "--owner", owner.name, "--count", 1)
    assert said.code == 0 and "--additional" in said.out, said.err


@pytest.mark.promise("ROAD-2")
@pytest.mark.parametrize(
    "code, arguments",
    [
        (2, ["request", "--owner", "nobody", "--count", "0"]),
        (2, ["request", "--owner", "nobody", "--count", "many"]),
        (2, ["no-such-verb"]),
        (2, ["retire", "--all"]),
        (3, ["request", "--owner", "nobody", "--count", "1"]),
        (3, ["show", "nobody-1"]),
        (3, ["start", "nobody-*"]),
        (3, ["owner", "remove", "nobody"]),
    ],
)
def test_a_refusal_has_its_exit_code_and_says_what_to_do(drover, code, arguments):
    error = drover.refuse(code, *arguments)
    assert set(error) == {"kind", "message", "hint"} and error["message"]


@pytest.mark.promise("ROAD-3")
def test_guests_differ_in_all_that_must_differ(owner, full, figure):
    count = 20 if full else 6
    begin = time.monotonic()
    owner.request(count)
    figure(f"{count} guests ready", time.monotonic() - begin, "s")
    guests = owner.guests()
    names = [guest["name"] for guest in guests]
    assert len(names) == count
    assert_all_different(names)
    assert_all_different([guest["address"] for guest in guests])
    assert_all_different([guest["mac"] for guest in guests])
    assert_all_different([owner.drover.guest(name)["host_key"]["fingerprint"] for name in names])
    assert_all_different(everywhere(lambda name: owner.ssh(name, "cat /etc/machine-id"), names))


@pytest.mark.promise("ROAD-3")
def test_listing_is_what_the_guest_itself_sees(drover, owner):
    owner.request(1)
    guest = owner.guests()[0]
    assert guest["mac"] in owner.ssh(guest["name"], "ip link")
    assert f"inet {guest['address']}/" in owner.ssh(guest["name"], "ip address")
    assert guest["domain"] == f"{drover.instance}-{guest['id']}" and guest["domain"] in drover.domains()


@pytest.mark.promise("ROAD-3")
def test_own_files_survive_a_stop_and_are_gone_after_a_rebuild(drover, owner):
    owner.request(1)
    name = owner.names()[0]
    before = drover.guest(name)
    owner.ssh(name, "echo mine >/home/mine && echo mine >/usr/local/mine && sync")
    drover.ask("stop", name)
    assert owner.phases() == {name: "stopped"}
    drover.ask("start", name)
    assert owner.ssh(name, "cat /home/mine /usr/local/mine").split() == ["mine", "mine"]
    assert drover.guest(name)["host_key"] == before["host_key"]

    drover.ask("rebuild", name, "--yes")
    assert owner.ssh(name, "ls /home/mine /usr/local/mine 2>/dev/null | wc -l") == "0"
    after = drover.guest(name)
    assert (after["name"], after["address"], after["mac"]) == (before["name"], before["address"], before["mac"])


@pytest.mark.promise("ROAD-3")
def test_the_shared_root_cannot_be_written(owner):
    owner.request(1)
    name = owner.names()[0]
    assert owner.try_ssh(name, "touch /usr/bin/mine").returncode != 0
    assert owner.try_ssh(name, "rm /usr/bin/* /bin/*").returncode != 0
    assert owner.ssh(name, "ls /usr/bin | wc -l") != "0"


@pytest.mark.promise("ROAD-3")
def test_poweroff_inside_leaves_it_stopped_and_reboot_brings_it_back(drover, owner):
    owner.request(2)
    leaving, returning = owner.names()
    owner.try_ssh(leaving, "poweroff")
    first_boot = owner.boot_id(returning)
    owner.try_ssh(returning, "reboot")

    wait_until(lambda: drover.guest(leaving)["phase"] == "stopped", f"{leaving} is stopped")
    assert drover.guest(leaving)["desired"] == "stopped"
    wait_until(lambda: owner.boot_id(returning) not in ("", first_boot), f"{returning} has booted anew", 180)
    wait_until(lambda: drover.guest(returning)["phase"] == "ready", f"{returning} is ready")
    # It was left alone meanwhile, not started again for being down.
    assert drover.guest(leaving)["phase"] == "stopped"


@pytest.mark.promise("ROAD-3")
def test_nothing_is_left_of_retired_guests(drover, owner, figure):
    owner.request(4)
    names = owner.names()
    assert len(drover.domains()) == len(drover.guest_processes()) == len(drover.bridge_ports()) == len(names)
    begin = time.monotonic()
    answer = drover.ask("retire", "--all", "--yes")
    figure("4 guests retired", time.monotonic() - begin, "s")
    assert {item["outcome"] for item in answer["items"]} == {"done"}

    assert drover.guests() == []
    assert drover.domains() == []
    assert drover.overlays() == []
    assert drover.bridge_ports() == []
    wait_until(lambda: not drover.guest_processes(), "the guests' processes are gone")
    in_network, in_hosts = drover.dns()
    assert in_network == []
    assert not any(name in in_hosts for name in names)
    assert drover.findings() == []


@pytest.mark.promise("ROAD-4")
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


@pytest.mark.promise("ROAD-4")
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


@pytest.mark.promise("ROAD-5")
def test_a_backup_on_an_empty_state_folder_gives_the_same_guests(drover, owner, tmp_path):
    owner.request(2)
    before = owner.guests()
    boots = everywhere(owner.boot_id, owner.names())
    owner.ssh(before[0]["name"], "echo mine >/home/mine && sync")
    backup = tmp_path / "registry.db"
    drover.ask("backup", "--registry", backup)
    assert drover.refuse(4, "backup", "--registry", backup)["message"]

    drover.stop()
    restore(drover, backup)
    drover.start()
    owner.wait_for("ready", 2)
    assert owner.guests() == before
    assert everywhere(owner.boot_id, owner.names()) == boots
    drover.ask("restart", before[0]["name"])
    assert owner.ssh(before[0]["name"], "cat /home/mine") == "mine"
    assert drover.findings() == []
