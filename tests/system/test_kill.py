"""The daemon may die at any moment: nothing is lost, nothing is doubled, and guests do not notice."""
import socket
import time
import xml.etree.ElementTree as xml

import pytest
from drover import assert_all_different, everywhere, ping, virsh, wait_until


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


@pytest.mark.promise("TRUST-10")
def test_a_guest_answers_whoever_takes_up_its_channel(drover, owner, full, chance, figure):
    owner.request(1)
    port = channel_of(drover.guest(owner.names()[0])["domain"])
    drover.kill()
    turns = 150 if full else 20
    for number in range(1, turns + 1):
        with host_at(port) as host:  # that goes at any moment, with an answer on its way or not
            host.sendall(b"\nPING 1000\n" * chance.randrange(4))
            time.sleep(chance.choice([0, 0.0005, 0.002, 0.01]))
        with host_at(port) as host:
            assert answer_to(host, number).startswith("READY "), f"turn {number}"
    figure("hosts answered", turns, "after others that left")


def channel_of(domain):
    return xml.fromstring(virsh("dumpxml", domain)).find("devices/channel/source").get("path")


def host_at(port):
    host = socket.socket(socket.AF_UNIX)
    host.settimeout(5)
    host.connect(port)
    return host


def answer_to(host, number):
    """What the guest says after it has answered this PING; it may have said more before."""
    host.sendall(f"\nPING {number}\n".encode())
    said = ""
    mark = f"OK {number}\n"
    while mark not in said or not said.partition(mark)[2].endswith("\n"):
        said += host.recv(65536).decode()
    return said.partition(mark)[2]
