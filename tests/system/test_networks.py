"""Several networks with both address families, on real guests; what is outside is network namespaces of the lab's."""
import ipaddress
import json
import os
import pathlib
import re
import socket
import subprocess
import time

import pytest
from drover import BIN, Drover, Owner, everywhere, ping, sh, virsh, wait_until
from outside import HOST6, SELF, SELF6, Namespace, by_address, take_down

NETWORKS = ("default", "lab", "pub")


@pytest.fixture(scope="module")
def drover():
    one = Drover("nets", "network: {quarantine: 0s}\nnetworks: [{name: lab, mode: isolated}, {name: pub, mode: routed}]\nquota: {default: 20}\ntesting: {enabled: true}\n")
    one.start()
    one.ask("image", "build", "tiny")
    yield one
    one.stop()
    take_down(one)


@pytest.fixture(scope="module")
def owner(drover, tmp_path_factory):
    one = Owner(drover, "walt", tmp_path_factory.mktemp("keys"), quota=20)
    for kind in ("container", "vm"):
        for network in NETWORKS:
            one.request(1, "--kind", kind, "--network", network)
    yield one
    one.retire_all()


@pytest.fixture(scope="module")
def out():
    """A host that is neither ours nor a guest, one hop away."""
    namespace = Namespace("out")
    yield namespace
    namespace.remove()


def network_of(drover, name):
    return next(network for network in drover.ask("net") if network["name"] == name)


def by_network(owner, name):
    return [guest for guest in owner.guests() if guest["network"] == name]


def pings(owner, guest, address):
    return owner.try_ssh(guest, f"ping -c 1 -w 5 {address}").returncode == 0


# ---- a question to a DNS server, as any resolver asks it

TYPES = {"A": 1, "PTR": 12, "AAAA": 28}


def asked(server, name, kind):
    """The answers' data: addresses as text, names without their last dot."""
    query = b"\x12\x34\x01\x00\x00\x01" + bytes(6)
    query += b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + bytes([0, TYPES[kind], 0, 1])
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as line:
        line.settimeout(10)
        line.sendto(query, (server, 53))
        answer = line.recv(4096)
    count, at = int.from_bytes(answer[6:8]), len(query)
    found = []
    for _ in range(count):
        at = past_name(answer, at)
        kind_told, size = int.from_bytes(answer[at : at + 2]), int.from_bytes(answer[at + 8 : at + 10])
        data = answer[at + 10 : at + 10 + size]
        if kind_told == TYPES[kind]:
            found.append(name_at(answer, at + 10) if kind == "PTR" else str(ipaddress.ip_address(data)))
        at += 10 + size
    return found


def past_name(message, at):
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += message[at] + 1
    return at + 1


def name_at(message, at):
    labels = []
    while message[at]:
        if message[at] >= 0xC0:
            at = int.from_bytes(message[at : at + 2]) & 0x3FFF
            continue
        labels.append(message[at + 1 : at + 1 + message[at]].decode())
        at += message[at] + 1
    return ".".join(labels)


# ---- addresses and names


@pytest.mark.promise("NET-2")
def test_a_guest_has_an_address_of_each_family_in_its_network(drover, owner):
    for guest in owner.guests():
        network = network_of(drover, guest["network"])
        four, six = map(ipaddress.ip_address, guest["addresses"])
        subnet, prefix = ipaddress.ip_network(network["cidr"]), ipaddress.ip_network(network["cidr6"])
        assert four in subnet and six in prefix
        assert int(six) - int(prefix[0]) == int(four) - int(subnet[0])
        told = owner.ssh(guest["name"], "ip address show eth0; ip -6 route")
        assert f"inet {four}/{subnet.prefixlen}" in told
        assert f"inet6 {six}/{prefix.prefixlen}" in told and "scope global tentative" not in told
        assert f"default via {network['gateway6']}" in told
        globals_ = re.findall(r"inet6 (\S+) scope global", told)
        assert globals_ == [f"{six}/{prefix.prefixlen}"], "nobody's advertisement gave it another"
    assert sorted({guest["network"] for guest in owner.guests()}) == sorted(NETWORKS)


@pytest.mark.promise("NET-2")
def test_guests_and_the_host_reach_each_other_by_both_families(drover, owner):
    for name in NETWORKS:
        guests, network = by_network(owner, name), network_of(drover, name)
        for guest in guests:
            for address in guest["addresses"]:
                ping(address)
        for one, other in (guests, reversed(guests)):
            for address in [*other["addresses"], network["gateway"], network["gateway6"], other["name"]]:
                assert pings(owner, one["name"], address), f"{one['name']} to {address}"


@pytest.mark.promise("NET-2")
def test_every_networks_dns_answers_for_every_guest_both_ways(drover, owner):
    for name in NETWORKS:
        network = network_of(drover, name)
        for server in (network["gateway"], network["gateway6"]):
            for guest in owner.guests():
                full = f"{guest['name']}.nets.internal"
                four, six = guest["addresses"]
                assert asked(server, full, "A") == [four]
                assert asked(server, full, "AAAA") == [six]
                for address in (four, six):
                    assert asked(server, ipaddress.ip_address(address).reverse_pointer, "PTR") == [full]
    guest = owner.guests()[0]
    known = {entry[4][0] for entry in socket.getaddrinfo(f"{guest['name']}.nets.internal", None)}
    assert known == set(guest["addresses"]), "the host itself"
    for one in by_network(owner, "lab"):
        assert guest["address"] in owner.ssh(one["name"], f"nslookup {guest['name']}.nets.internal")


@pytest.mark.promise("NET-2")
def test_what_a_guest_is_outlives_its_boot_and_the_daemon(drover, owner):
    guest = by_network(owner, "lab")[0]
    drover.ask("restart", guest["name"])
    assert f"inet6 {guest['addresses'][1]}/" in owner.ssh(guest["name"], "ip address show eth0")
    boots = {name: owner.boot_id(name) for name in owner.names()}
    before = owner.guests()
    drover.kill()
    drover.start()
    owner.wait_for("ready", len(before))
    assert [one["addresses"] for one in owner.guests()] == [one["addresses"] for one in before]
    assert {name: owner.boot_id(name) for name in owner.names()} == boots


@pytest.mark.promise("NET-4")
def test_a_change_among_many_names_is_answered_by_the_same_server(drover, owner, full, figure):
    """As the daemon writes them: a file aside, renamed into the folder that the server watches."""
    folder, server = drover.state / "names", network_of(drover, "default")["gateway"]
    count = 5000 if full else 500
    addresses = [str(ipaddress.ip_address("10.250.0.0") + number) for number in range(1, count + 1)]
    pids = dns_servers(drover)

    def put(address, name):
        aside = folder.with_name("names.test")
        aside.write_text(f"{address} {name}\nfd99::{address.replace('.', ':')} {name}\n")
        aside.rename(folder / address)

    try:
        for number, address in enumerate(addresses):
            put(address, f"many-{number}")
        last = f"many-{count - 1}.nets.internal"
        wait_until(lambda: asked(server, last, "A") == [addresses[-1]], "the last name is known")
        slowest = 0
        for address in addresses[:10]:
            begin = time.monotonic()
            put(address, f"new-{address.rsplit('.', 1)[1]}")
            name = f"new-{address.rsplit('.', 1)[1]}.nets.internal"
            wait_until(lambda name=name, address=address: asked(server, name, "A") == [address], "the change is answered")
            slowest = max(slowest, time.monotonic() - begin)
        figure(f"a change among {count} names", slowest, "s")
        assert not full or slowest < 1
        assert dns_servers(drover) == pids
    finally:
        for address in addresses:
            (folder / address).unlink(missing_ok=True)


def dns_servers(drover):
    """The process of each network's dnsmasq."""
    return {name: pathlib.Path(f"/run/libvirt/network/{name}.pid").read_text().strip() for name in ("nets", "nets-lab", "nets-pub")}


# ---- what is outside


@pytest.mark.promise("NET-3")
def test_an_isolated_guest_reaches_nothing_outside(drover, owner, out):
    for guest in by_network(owner, "default"):
        assert pings(owner, guest["name"], SELF), "NAT goes out"
    for guest in by_network(owner, "lab"):
        assert not pings(owner, guest["name"], SELF)
        assert not pings(owner, guest["name"], SELF6)
        assert not pings(owner, guest["name"], by_network(owner, "default")[0]["address"])


@pytest.mark.promise("NET-3")
def test_a_routed_guest_is_itself_outside_and_a_natted_one_is_the_host(drover, owner, out):
    server = out.inside(lambda: socket.create_server(("", 8099), family=socket.AF_INET6, dualstack_ipv6=True))

    def caller(guest, address):
        """As whom the guest comes there."""
        owner.ssh(guest["name"], f"nc -w 5 {address} 8099 </dev/null & sleep 1; true")
        server.settimeout(10)
        line, peer = server.accept()
        line.close()
        return str(ipaddress.ip_address(peer[0].split("%")[0]).ipv4_mapped or peer[0])

    with server:
        for guest in by_network(owner, "pub"):
            for address in guest["addresses"]:
                assert "1 received" in sh("ip", "netns", "exec", "out", "ping", "-c1", "-W5", address)
            assert [caller(guest, SELF), caller(guest, SELF6)] == guest["addresses"]
            line = out.connect(guest["address"], 22)
            assert line.recv(4) == b"SSH-", "always open"
            line.close()
            opening = drover.ask("open", guest["name"], "8100/tcp")
            assert opening["host_port"] is None and opening["outcome"] == "opened"
            drover.ask("close", guest["name"], "8100/tcp")
        for guest in by_network(owner, "default"):
            assert [caller(guest, SELF), caller(guest, SELF6)] == [out.host, HOST6]
    for guest in by_network(owner, "lab"):
        assert "no outside" in drover.refuse(4, "open", guest["name"], "8100/tcp")["message"]


# ---- which guests


def test_network_is_a_selector_and_a_field(drover, owner):
    assert owner.request(2, "--network", "lab")["created"] == []
    assert owner.request(4)["created"] == []
    lab = drover.ask("list", "--where", "network=lab", "--owner", owner.name)
    assert [guest["name"] for guest in lab] == [guest["name"] for guest in by_network(owner, "lab")]
    error = drover.refuse(3, "request", "--owner", owner.name, "--count", 1, "--network", "moon", "--additional")
    assert "no network 'moon'" in error["message"] and "default, lab, pub" in error["hint"]
    drover.refuse(2, "request", "--owner", owner.name, "--count", 1, "--network", "No Name")


def test_net_tells_who_is_where(drover, owner):
    for name in NETWORKS:
        network = network_of(drover, name)
        mine = [guest for guest in network["guests"] if guest["owner"] == owner.name]
        assert [guest["name"] for guest in mine] == [guest["name"] for guest in by_network(owner, name)]
        assert all(guest["addresses"] for guest in mine)
        size = ipaddress.ip_network(network["cidr"]).num_addresses - 3
        assert sum(network["addresses"].values()) == size and network["addresses"]["used"] >= len(mine)
        assert network["state"] == "up"
    assert network_of(drover, "lab")["mode"] == "isolated" and network_of(drover, "lab")["bridge"] == "nets-lab"
    shown = drover.say("net").out
    assert re.search(r"lab +isolated +up", shown), shown
    assert owner.guests()[0]["addresses"][1] in drover.say("net", "--guests").out


# ---- what is refused


def check(tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    done = subprocess.run([BIN / "droverd", "--check-config", file], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.promise("NET-5")
def test_networks_that_would_harm_the_host_are_refused(drover, out, tmp_path):
    cases = {
        "network: {cidr: 10.1.0.0/16}\nnetworks: [{name: a, cidr: 10.1.2.0/24}]": "overlaps 10.1.0.0/16, the default network",
        "networks: [{name: a, cidr: 10.1.0.0/24}, {name: a, cidr: 10.2.0.0/24}]": "'a' twice",
        "networks: [{name: a, cidr: 10.199.0.0/16}]": "covers 10.199.3.1, the address of harm0",
        "networks: [{name: a, cidr: 10.198.7.0/24}]": "overlaps 10.198.0.0/16, a route of this host",
        "networks: [{name: a, cidr6: 'fd98::/64'}]": "overlaps fd98::/48",
    }
    sh("ip", "link", "add", "harm0", "type", "veth", "peer", "name", "harm1")
    try:
        sh("ip", "address", "add", "10.199.3.1/24", "dev", "harm0")
        for link in ("harm0", "harm1"):
            sh("ip", "link", "set", link, "up")
        sh("ip", "route", "add", "10.198.0.0/16", "via", "10.199.3.2")
        sh("ip", "-6", "route", "add", "fd98::/48", "dev", "harm0")
        for text, reason in cases.items():
            code, said = check(tmp_path, f"instance: harm\n{text}\n")
            assert code == 2 and reason in said, f"{text}: {code} {said}"
        assert check(tmp_path, "instance: harm\nnetworks: [{name: a, cidr: 10.197.0.0/16}]\n")[0] == 0
        other = Drover("harm", "networks: [{name: a, cidr: 10.199.0.0/16}]\n")
        done = subprocess.run([BIN / "droverd", "--config", other.config], capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and "covers 10.199.3.1" in done.stdout + done.stderr
        assert "harm-a" not in virsh("net-list", "--all", "--name")
    finally:
        sh("ip", "link", "delete", "harm0")


# ---- what somebody else undoes


def events_of_networks(drover):
    events = map(json.loads, drover.call("events").out.splitlines())
    return [event["message"] for event in events if event["kind"] == "network"]


@pytest.mark.promise("NET-6")
@pytest.mark.parametrize("how", [["net-destroy"], ["net-destroy", "net-undefine"]], ids=["stopped", "removed"])
def test_a_network_that_somebody_took_away_comes_back(drover, how):
    before = len(events_of_networks(drover))
    wait_until(lambda: network_of(drover, "lab")["state"] == "up", "it was looked after")
    for verb in how:
        virsh(verb, "nets-lab")
    wait_until(lambda: "nets-lab" in virsh("net-list", "--name").split(), "it runs again", timeout=120)
    wait_until(lambda: len(events_of_networks(drover)) > before, "an event says so")
    assert "nets-lab" in events_of_networks(drover)[before]


@pytest.mark.promise("NET-6")
@pytest.mark.parametrize("point", ["network.defined", "network.defined:2", "network.ensured"])
def test_killed_while_it_makes_a_network_it_goes_on(point):
    one = Drover("knet", "networks: [{name: lab}]\nnetwork: {cidr: 10.211.0.0/24}\ntesting: {enabled: true}\n")
    try:
        one.environment = {**os.environ, "DROVER_FAILPOINT": point}
        with one.log.open("a") as log:
            done = subprocess.run([BIN / "droverd", "--config", one.config], env=one.environment, stdout=log, stderr=log, timeout=120)
        assert done.returncode == -9
        one.environment = None
        one.start()
        wait_until(lambda: {"knet", "knet-lab"} <= set(virsh("net-list", "--name").split()), "both run", timeout=120)
        wait_until(lambda: one.findings() == [], "nothing is left over")
    finally:
        if one.process:
            one.stop()
        take_down(one)
        sh("rm", "-rf", one.state)


# ---- a bridge of the host's

SITE = "networks: [{name: lan, mode: bridge, bridge: site0, cidr: 10.222.0.0/24, gateway: 10.222.0.1, dns: 10.222.0.1, range: 10.222.0.100-10.222.0.109}]\n"


@pytest.fixture
def site():
    """A bridge with this host and a router on it; the router's MAC."""
    sh("ip", "link", "add", "site0", "type", "bridge")
    sh("ip", "address", "add", "10.222.0.5/24", "dev", "site0")
    sh("ip", "netns", "add", "router")
    sh("ip", "link", "add", "site1", "master", "site0", "type", "veth", "peer", "name", "eth0", "netns", "router")
    sh("ip", "-n", "router", "address", "add", "10.222.0.1/24", "dev", "eth0")
    for command in ("link set site0 up", "link set site1 up", "-n router link set eth0 up"):
        sh("ip", *command.split())
    yield sh("ip", "netns", "exec", "router", "cat", "/sys/class/net/eth0/address").strip()
    sh("ip", "netns", "delete", "router")
    sh("ip", "link", "delete", "site0")


@pytest.mark.promise("NET-3")
def test_guests_on_a_bridge_of_the_hosts_are_held_to_their_addresses(site, keys):
    one = Drover("site", SITE + "network: {host_names: none}\n")
    one.start()
    try:
        one.ask("image", "build", "tiny")
        user = Owner(one, "sue", keys, quota=4)
        for kind in ("container", "vm"):
            user.request(1, "--kind", kind, "--network", "lan", "--additional")
        for guest in user.guests():
            assert ipaddress.ip_address(guest["address"]) in ipaddress.ip_network("10.222.0.96/28")
            assert "1 received" in sh("ip", "netns", "exec", "router", "ping", "-c1", "-W5", guest["address"])
            assert "default via 10.222.0.1" in by_address(user, guest, "ip route")
            assert "not ours to say" in one.refuse(4, "open", guest["name"], "8100/tcp")["message"]
            by_address(user, guest, "ip address add 10.222.0.1/24 dev eth0; arping -U -c 2 -I eth0 10.222.0.1; ping -c 1 -W 1 -I 10.222.0.1 10.222.0.5")
            sh("ping", "-c1", "-W5", "10.222.0.1")
            assert site in sh("ip", "neigh", "show", "10.222.0.1", "dev", "site0"), "the router is who it was"
        assert one.findings() == []
        user.retire_all()
    finally:
        one.stop()
        take_down(one)
    assert sh("ip", "-o", "link", "show", "site0"), "the site's own bridge stays"


# ---- DHCP, for those that ask


def offered(interface, mac):
    """What a DHCP server on this interface offers the MAC; None: nothing within three seconds."""
    query = bytes([1, 1, 6, 0]) + b"walt" + bytes(20) + bytes.fromhex(mac.replace(":", "")) + bytes(202)
    query += b"\x63\x82\x53\x63" + b"\x35\x01\x01" + b"\xff" + bytes(60)
    header = bytes.fromhex("4500") + (len(query) + 28).to_bytes(2) + bytes.fromhex("0000000040110000") + bytes(4) + b"\xff" * 4
    header = header[:10] + checksum(header) + header[12:]
    packet = header + bytes.fromhex("00440043") + (len(query) + 8).to_bytes(2) + bytes(2) + query
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as line:
        line.bind((interface, 0x0800))
        line.settimeout(3)
        line.send(b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) + b"\x08\x00" + packet)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            try:
                frame = line.recv(2048)
            except TimeoutError:
                return None
            if len(frame) > 62 and frame[23] == 17 and frame[34:38] == bytes.fromhex("00430044") and frame[46:50] == b"walt":
                return str(ipaddress.ip_address(frame[58:62]))
    return None


def checksum(header):
    total = sum(int.from_bytes(header[i : i + 2]) for i in range(0, 20, 2))
    total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2)


@pytest.mark.promise("NET-7")
def test_a_guest_of_a_cloud_image_finds_its_address_by_dhcp(drover, owner, tmp_path):
    """Its disk is empty: it never says a word, and its address is asked for in its place, from a port on its bridge."""
    disk = tmp_path / "empty.qcow2"
    sh("qemu-img", "create", "-q", "-f", "qcow2", disk, "64M")
    drover.ask("image", "add", "empty", disk, "--cloud-init")
    name = owner.request(1, "--image", "empty", "--no-wait")["created"][0]
    guest = drover.guest(name)
    reservation = drover.state / "reservations" / guest["address"]
    wait_until(reservation.exists, "it has a reservation")
    sh("ip", "link", "add", "asker", "type", "veth", "peer", "name", "askerbr")
    try:
        for link, more in (("askerbr", ("master", "nets-br")), ("asker", ())):
            sh("ip", "link", "set", link, *more, "up")
        wait_until(lambda: offered("asker", guest["mac"]) == guest["address"], "DHCP offers it")
        assert offered("asker", "52:54:00:ff:ff:fe") is None, "and nobody else anything"
    finally:
        sh("ip", "link", "delete", "asker")
        drover.ask("retire", name, "--yes")
    wait_until(lambda: not reservation.exists(), "it has none any more")
