"""Ports of guests that are opened for a while, on real guests, seen from real hosts outside."""
import json
import time

import outside
import pytest
from drover import Owner, sh, wait_until
from outside import Namespace, says_back

KINDS = ("container", "vm")
PORT = 8098


@pytest.fixture(scope="module")
def out():
    namespace = Namespace("out")
    yield namespace
    namespace.remove()


@pytest.fixture
def served(drover, owner, keys):
    """served(kind): a guest that answers on 8098, of both protocols."""

    def make(kind):
        owner.request(1, "--kind", kind)
        name = owner.names()[-1]
        outside.bring(owner, name, keys)
        for protocol in ("tcp", "udp"):
            outside.serve(owner, name, PORT, protocol)
        return drover.guest(name)

    return make


def open_port(drover, guest, *more, port=f"{PORT}/tcp"):
    return drover.ask("open", guest["name"], port, *more)


@pytest.mark.promise("OPEN-1")
@pytest.mark.parametrize("kind", KINDS)
def test_blocked_before_open_while_it_lasts_and_blocked_again(drover, served, out, kind):
    guest = served(kind)
    assert not any(out.reaches(address, PORT) for address in guest["addresses"])
    opening = open_port(drover, guest, "--for", "15s", "--reason", "a demo")
    assert opening["outcome"] == "opened" and 10 < opening["left"] <= 15
    assert 20000 <= opening["host_port"] <= 29999
    assert out.reaches(out.host, opening["host_port"]), "the published port"
    for address in guest["addresses"]:
        assert out.reaches(address, PORT), "the guest itself, for who has a route to it"
    assert not out.reaches_udp(guest["address"], PORT), "the other protocol"
    line = out.connect(out.host, opening["host_port"])
    assert says_back(line)
    begin = time.monotonic()
    wait_until(lambda: not out.reaches(out.host, opening["host_port"]), "it has closed by itself", 40)
    assert time.monotonic() - begin > 1, "it closed early"
    assert not says_back(line), "the connection that there was"
    assert not any(out.reaches(address, PORT) for address in guest["addresses"])
    wait_until(lambda: drover.ask("openings") == [], "its row is gone")
    events = outside.told(drover, "opening")
    assert any("a demo" in message for message in events) and "its time is over" in events[-1]
    line.close()


@pytest.mark.promise("OPEN-1")
def test_udp_from_some_only_and_closed_by_hand(drover, served, out):
    guest = served("container")
    elsewhere = open_port(drover, guest, "--from", "198.51.100.0/24", port=f"{PORT}/udp")
    assert elsewhere["from"] == "198.51.100.0/24"
    assert not out.reaches_udp(out.host, elsewhere["host_port"])
    drover.ask("close", guest["name"], f"{PORT}/udp")
    here = open_port(drover, guest, "--from", f"{out.own}/32", port=f"{PORT}/udp")
    assert here["from"] == out.own
    assert out.reaches_udp(out.host, here["host_port"])
    drover.ask("close", guest["name"], f"{PORT}/udp")
    assert not out.reaches_udp(out.host, here["host_port"])
    by_six = open_port(drover, guest, "--from", "2001:db8:2::/64", port=f"{PORT}/udp")
    assert not out.reaches_udp(out.host, by_six["host_port"])
    assert out.reaches_udp(guest["addresses"][1], PORT)
    drover.ask("close", guest["name"], f"{PORT}/udp")
    assert not out.reaches_udp(guest["addresses"][1], PORT)
    assert drover.refuse(3, "close", guest["name"], f"{PORT}/udp")["kind"] == "not-found"


@pytest.mark.promise("OPEN-2")
def test_it_closes_with_the_daemon_dead_and_is_restored_but_never_prolonged(drover, served, out):
    guest = served("container")
    short = open_port(drover, guest, "--for", "12s")
    long = open_port(drover, guest, "--for", "10m", port=f"{PORT}/udp")
    line = out.connect(out.host, short["host_port"])
    drover.kill()
    assert says_back(line) and out.reaches_udp(out.host, long["host_port"]), "what is open does not need the daemon"
    wait_until(lambda: not out.reaches(out.host, short["host_port"]), "it closed though nobody ran", 40)
    assert not says_back(line)
    line.close()
    for family in ("inet", "bridge"):  # as a reboot would
        outside.nft("delete", "table", family, f"drover_{drover.instance}")
    assert not out.reaches_udp(out.host, long["host_port"])
    drover.start()
    wait_until(lambda: out.reaches_udp(out.host, long["host_port"]), "it is open again")
    (again,) = drover.ask("openings")
    assert again["closes"] <= long["closes"]
    assert again["host_port"] == long["host_port"]
    assert all(element <= again["left"] + 2 for element in seconds_left(drover))


def seconds_left(drover):
    """What the kernel gives each opening."""
    listed = json.loads(sh("nft", "-j", "list", "table", "inet", f"drover_{drover.instance}"))["nftables"]
    text = json.dumps(listed)
    return [int(part.split(",")[0].split("}")[0]) for part in text.split('"expires": ')[1:]]


@pytest.mark.promise("OPEN-2")
def test_extended_once_and_never_beyond_the_longest(drover, served, out):
    guest = served("container")
    first = open_port(drover, guest, "--for", "1m")
    longer = drover.ask("extend", guest["name"], f"{PORT}/tcp", "--for", "10m")
    assert longer["outcome"] == "extended" and longer["extended"]
    assert 600 < longer["left"] <= 660
    assert max(seconds_left(drover)) > 600 and longer["host_port"] == first["host_port"]
    assert "extended before" in drover.refuse(4, "extend", guest["name"], f"{PORT}/tcp")["message"]
    open_port(drover, guest, port=f"{PORT}/udp")
    assert "longer than 8h" in drover.refuse(4, "extend", guest["name"], f"{PORT}/udp", "--for", "8h")["message"]
    assert drover.refuse(3, "extend", guest["name"], "9/tcp")["kind"] == "not-found"


@pytest.mark.promise("OPEN-3")
def test_what_is_refused_and_why(drover, served, owner, keys):
    guest = served("container")
    name = guest["name"]
    subnet = sh("ip", "-4", "-o", "address", "show", f"{drover.instance}-br").split()[3]
    for port in ("0/tcp", "65536/tcp", "ssh", "22", "8000-8010/tcp", "80/icmp", "-1/tcp", "080/tcp", "1098/TCP", "/tcp"):
        error = drover.refuse(2, "open", name, port)
        assert "port" in error["message"], error
    for more in (("--for", "0"), ("--for", "-5m"), ("--for", "soon"), ("--from", "10.0.0.1/8"), ("--from", "outside"),
                 ("--from", "127.0.0.1"), ("--from", "224.0.0.0/8"), ("--reason", "a\x1b[2Jb")):
        drover.refuse(2, "open", name, "1098/tcp", f"{more[0]}={more[1]}")
    assert "longest" in drover.refuse(4, "open", name, "1098/tcp", "--for", "9h")["message"]
    assert "may not be opened" in drover.refuse(4, "open", name, "25/tcp")["message"]
    for own in guest["addresses"]:
        assert "own network" in drover.refuse(4, "open", name, "1098/tcp", "--from", own)["message"]
    assert subnet and drover.refuse(3, "open", "nobody-9", "1098/tcp")["kind"] == "not-found"
    open_port(drover, guest)
    assert open_port(drover, guest)["outcome"] == "unchanged"
    assert "otherwise" in drover.refuse(4, "open", name, f"{PORT}/tcp", "--from", "192.0.2.0/24")["message"]
    for port in range(9001, 9020):
        open_port(drover, guest, port=f"{port}/tcp")
    assert "20 ports open" in drover.refuse(4, "open", name, "9100/tcp")["message"]
    assert len(drover.ask("openings", name)) == 20
    drover.ask("stop", name)
    assert len(drover.ask("openings", name)) == 20
    other = Owner(drover, f"{owner.name[:20]}-b", keys, quota=1)
    drover.ask("give", name, "--owner", other.name)
    assert drover.ask("openings", name) == []
    assert seconds_left(drover) == []
    other.retire_all()


@pytest.mark.promise("OPEN-3")
def test_ends_with_the_guest(drover, served, owner):
    guest = served("container")
    open_port(drover, guest)
    drover.ask("retire", guest["name"], "--yes")
    assert drover.ask("openings") == [] and seconds_left(drover) == []
    assert f"{drover.instance}-{guest['id']}" not in outside.table(drover, "bridge")
    assert drover.findings() == []


@pytest.mark.promise("OPEN-4")
def test_soon_reachable_beside_many_others(drover, owner, served, out, full, figure):
    count = 1000 if full else 50
    guest = served("container")
    others = -(-count // 20)
    owner_quota = Owner(drover, owner.name, owner.folder, quota=others + 5)
    owner_quota.request(others, "--kind", "container", "--additional")
    names = [name for name in owner_quota.names() if name != guest["name"]]
    for n in range(count):
        drover.ask("open", names[n // 20], f"{10000 + n % 20}/tcp")
    waits = []
    for _ in range(100 if full else 20):
        begin = time.monotonic()
        opening = open_port(drover, guest)
        line = None
        while line is None:
            line = out.connect(out.host, opening["host_port"], timeout=0.02)
        waits.append((time.monotonic() - begin) * 1000)
        line.close()
        drover.ask("close", guest["name"], f"{PORT}/tcp")
    waits.sort()
    figure(f"open to reachable beside {count} openings, p99", waits[int(len(waits) * 0.99) - 1], "ms")
    if full:
        assert waits[int(len(waits) * 0.99) - 1] < 100
