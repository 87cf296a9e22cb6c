"""What a hostile guest sends, as root in it: it harms nobody. And the tables are ours, whole, and nobody else's."""
import ipaddress
import re
import subprocess
import time

import metrics
import outside
import pytest
from drover import TINY, Drover, Owner, sh, wait_until
from outside import by_address, device_of, take_down

KINDS = ("container", "vm")


@pytest.fixture
def trio(drover, owner, keys):
    """trio(kind): a guest that attacks, its victim and a bystander, with the program for lines in all."""

    def make(kind):
        owner.request(3, "--kind", kind)
        guests = [drover.guest(name) for name in owner.names()]
        for guest in guests:
            outside.bring(owner, guest["name"], keys)
        return guests

    return make


def packed(mac):
    return mac.replace(":", "")


def ip_hex(address):
    return "".join(f"{int(part):02x}" for part in address.split("."))


def ip6_hex(guest):
    """Of a guest's second address, or of one as text."""
    return ipaddress.IPv6Address(guest if isinstance(guest, str) else guest["addresses"][1]).packed.hex()


def arp(to, sender_mac, ether, sender_ip, target_mac, target_ip, operation):
    return (f"{packed(to)}{packed(ether)}0806" f"0001080006 04{operation:04x}".replace(" ", "")
            + packed(sender_mac) + ip_hex(sender_ip) + packed(target_mac) + ip_hex(target_ip) + "00" * 18)


def checksum(data):
    words = sum(int.from_bytes(data[i:i + 2]) for i in range(0, len(data), 2))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    return 0xFFFF - words


def ip_frame(to, ether, source, target, protocol, payload):
    head = bytes.fromhex(f"45 00 {20 + len(payload):04x} 0000 4000 40 {protocol:02x} 0000 {ip_hex(source)} {ip_hex(target)}")
    head = head[:10] + checksum(head).to_bytes(2) + head[12:]
    return f"{packed(to)}{packed(ether)}0800" + (head + payload).hex()


def udp(source, target, payload):
    return source.to_bytes(2) + target.to_bytes(2) + (8 + len(payload)).to_bytes(2) + b"\0\0" + payload


def heard_by(owner, guest, device, during):
    """The frames that came to a guest, in hex, while `during` ran."""
    owner.ssh(guest, f"/tmp/line hear {device} >/tmp/heard 2>&1 & echo $! >/tmp/hears")
    during()
    time.sleep(1)  # nothing else tells that nothing will come
    owner.ssh(guest, "kill $(cat /tmp/hears)")
    return owner.ssh(guest, "cat /tmp/heard").split()


BROADCAST = "ff:ff:ff:ff:ff:ff"
MARK = "d0d0cafe"


@pytest.mark.promise("FIREWALL-1")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_is_not_its_own_gets_out(drover, owner, trio, kind):
    evil, victim, other = trio(kind)
    device = device_of(owner, evil["name"])
    gateway = gateway_of(drover)
    mark = bytes.fromhex(MARK)
    own, taken = evil["mac"], victim["mac"]
    zero = "00:00:00:00:00:00"
    bad = [
        arp(BROADCAST, own, own, victim["address"], zero, other["address"], 1),  # takes its neighbour's address
        arp(other["mac"], own, own, victim["address"], other["mac"], other["address"], 2),  # answers for it
        arp(other["mac"], own, own, gateway, other["mac"], other["address"], 2),  # answers for the gateway
        arp(other["mac"], taken, own, evil["address"], other["mac"], other["address"], 2),  # another's MAC in it
        arp(BROADCAST, own, own, "0.0.0.0", zero, victim["address"], 1),  # spoils its neighbour's search for doubles
        ip_frame(other["mac"], taken, evil["address"], other["address"], 17, udp(7, 7, mark)),  # its MAC
        ip_frame(other["mac"], own, victim["address"], other["address"], 17, udp(7, 7, mark)),  # its address
        ip_frame(other["mac"], own, "8.8.8.8", other["address"], 17, udp(7, 7, mark)),
        ip_frame(BROADCAST, own, evil["address"], "255.255.255.255", 17, udp(67, 68, mark + bytes(240))),  # serves DHCP
        ip_frame(BROADCAST, own, evil["address"], "255.255.255.255", 17, udp(99, 68, mark + bytes(240))),
        f"{packed(other['mac'])}{packed(own)}88b5{MARK}" + "00" * 50,  # no language that guests speak
        f"{packed(other['mac'])}{packed(own)}8100000108004500{MARK}" + "00" * 50,  # a VLAN of its own
        f"0180c2000000{packed(own)}00264242030000000000{MARK}" + "00" * 50,  # a switch's word
        advertisement(other["mac"], own, own),  # is the router of IPv6
        neighbour(other["mac"], own, link_local(own), link_local(taken)),  # answers ND for its neighbour
        neighbour(other["mac"], own, link_local(taken), link_local(taken)),
        neighbour(other["mac"], own, ip6_hex(evil), ip6_hex(victim)),  # and of the addresses that are told
        neighbour(other["mac"], own, ip6_hex(evil), ip6_hex(gateway_of(drover, 6))),
        ip6_frame(other["mac"], own, ip6_hex(victim), ip6_hex(other), bytes.fromhex("80000000 00070007" + MARK)),
    ]
    good = [ip_frame(other["mac"], own, evil["address"], other["address"], 17, udp(7, 7, bytes.fromhex("600dcafe")))]
    target = device_of(owner, other["name"])
    frames = heard_by(owner, other["name"], target, lambda: owner.ssh(evil["name"], f"/tmp/line send {device} {' '.join(bad + good)}"))
    assert any("600dcafe" in frame for frame in frames), "an honest one comes"
    assert [frame for frame in frames if MARK in frame] == []
    from_evil = [frame for frame in frames if frame[12:24] == packed(own)]
    for frame in from_evil:
        if frame[24:28] == "0806":
            assert frame[44:64] == packed(own) + ip_hex(evil["address"]), f"its word for another: {frame}"
        if frame[24:28] == "86dd":
            assert frame[108:110] not in ("86", "89"), f"a router: {frame}"
            assert frame[108:110] != "88" or frame[124:156] in (link_local(own), ip6_hex(evil)), f"its word for another: {frame}"
    neighbours = sh("ip", "neigh", "show", "dev", f"{drover.instance}-br")
    assert not re.search(rf"^{re.escape(victim['address'])} .*{own}", neighbours, re.M)
    places = sh("bridge", "fdb", "show", "br", f"{drover.instance}-br")
    assert not re.search(rf"^{victim['mac']} dev {drover.instance}-{evil['id']} ", places, re.M)


def link_local(mac):
    parts = bytes.fromhex(packed(mac))
    return (b"\xfe\x80" + bytes(6) + bytes([parts[0] ^ 2]) + parts[1:3] + b"\xff\xfe" + parts[3:]).hex()


def ip6_frame(to, ether, source, target, payload):
    pseudo = bytes.fromhex(source + target) + len(payload).to_bytes(4) + bytes([0, 0, 0, 58])
    payload = payload[:2] + checksum(pseudo + payload + b"\0" * (len(payload) % 2)).to_bytes(2) + payload[4:]
    return f"{packed(to)}{packed(ether)}86dd60000000{len(payload):04x}3aff{source}{target}{payload.hex()}"


def advertisement(to, ether, mac):
    everybody = "ff02" + "00" * 13 + "01"
    return ip6_frame(to, ether, link_local(ether), everybody,
                     bytes.fromhex("86000000 40 00 0708 00000000 00000000 0101" + packed(mac)))


def neighbour(to, ether, source, target):
    everybody = "ff02" + "00" * 13 + "01"
    return ip6_frame(to, ether, source, everybody, bytes.fromhex(f"88000000 20000000 {target} 0201 {packed(ether)}"))


@pytest.mark.promise("FIREWALL-1")
@pytest.mark.parametrize("kind", KINDS)
def test_who_takes_a_neighbours_address_or_mac_is_alone(drover, owner, trio, kind):
    evil, victim, other = trio(kind)
    device = device_of(owner, evil["name"])
    attack = (f"ip address add {victim['address']}/20 dev {device}; arping -U -c 3 -I {device} {victim['address']};"
              f"ip link set {device} down; ip link set {device} address {victim['mac']}; ip link set {device} up;"
              f"arping -U -c 3 -I {device} {victim['address']}; ping -c 3 -W 1 {other['address']}; true")
    owner.ssh(evil["name"], f"nohup sh -c '{attack}' >/dev/null 2>&1 & true")
    for _ in range(8):  # while it tries
        assert owner.ssh(victim["name"], "hostname") == victim["name"]
        assert owner.ssh(other["name"], f"ping -c 1 -W 5 {victim['address']} >/dev/null && echo yes") == "yes"
    drover.ask("restart", evil["name"])
    assert owner.ssh(evil["name"], "hostname") == evil["name"], "and it is well again as itself"


@pytest.mark.promise("FIREWALL-2")
@pytest.mark.parametrize("policy, friend, stranger", [("open", True, True), ("same-owner", True, False), ("none", False, False)])
def test_who_of_the_guests_reaches_whom(keys, policy, friend, stranger):
    drover = Drover("traffic", f"network: {{guests: {policy}, host_names: none}}\n")
    drover.start()
    try:
        drover.ask("image", "build", TINY)
        alice, bob = (Owner(drover, name, keys, quota=5) for name in ("alice", "bob"))
        alice.request(2, "--kind", "container")
        bob.request(1, "--kind", "container")
        first, second = alice.guests()
        (third,) = bob.guests()

        def reaches(address):
            command = f"nc -w 2 {address} 22 </dev/null | head -c 4"
            return by_address(alice, first, command) == "SSH-"

        for guest, may in ((second, friend), (third, stranger)):
            for address in guest["addresses"]:
                assert reaches(address) is may, address
        assert by_address(alice, first, f"ping -c1 -W5 {gateway_of(drover)} >/dev/null && echo yes") == "yes"
        if policy == "same-owner":
            drover.ask("give", third["name"], "--owner", "alice")
            wait_until(lambda: reaches(third["address"]), "its new neighbours are its owner's")
        # The way by the host is no way around.
        by_address(alice, first, f"ip route add {third['address']}/32 via {gateway_of(drover)}")
        assert reaches(third["address"]) is (policy != "none")
        for one in (alice, bob):
            one.retire_all()
    finally:
        drover.stop()
        take_down(drover)


def gateway_of(drover, family=4):
    listed = sh("ip", f"-{family}", "-o", "address", "show", "scope", "global", f"{drover.instance}-br")
    return listed.split()[3].split("/")[0]


@pytest.mark.promise("FIREWALL-3")
def test_tables_come_back_and_nobody_elses_changes(drover, owner):
    owner.request(1, "--kind", "container")
    (guest,) = owner.guests()
    outside.nft("add", "table", "inet", "somebodys")
    outside.nft("add", "chain", "inet", "somebodys", "rules", "{ type filter hook forward priority 5 ; policy accept ; }")
    before = outside.nft("-a", "list", "table", "inet", "somebodys")
    name = f"drover_{drover.instance}"
    for family in ("inet", "bridge"):
        outside.nft("delete", "table", family, name)
        wait_until(lambda: name in outside.nft("list", "tables", family), "the table is back", 10)
    wait_until(lambda: f"{drover.instance}-{guest['id']}" in outside.table(drover, "bridge"), "and whole")
    outside.nft("delete", "element", "bridge", name, "macs", f"{{ \"{drover.instance}-{guest['id']}\" . {guest['mac']} }}")
    wait_until(lambda: guest["mac"] in outside.table(drover, "bridge"), "an element is back", 60)
    outside.nft("add", "element", "inet", name, "open4", "{ 10.1.2.3 . tcp . 22 timeout 1h }")
    wait_until(lambda: "10.1.2.3" not in outside.table(drover, "inet"), "what is nobody's goes", 60)
    told = outside.told(drover, "network")
    for words in (f"inet {name} was gone", f"bridge {name} was gone", "were missing", "were nobody's"):
        assert any(words in message for message in told), (words, told)
    assert outside.nft("-a", "list", "table", "inet", "somebodys") == before
    outside.nft("delete", "table", "inet", "somebodys")
    assert owner.ssh(guest["name"], "hostname") == guest["name"]


@pytest.mark.promise("FIREWALL-4")
def test_traffic_is_counted_as_the_guest_sees_it(drover, owner):
    owner.request(1, "--kind", "container")
    (guest,) = owner.guests()
    assert drover.bridge_ports() == [guest["domain"]], "its line has its name"
    before = drover.guest(guest["name"])["traffic"]
    sh("ping", "-c5", "-i0.2", "-s1000", guest["address"])
    after = drover.guest(guest["name"])["traffic"]
    for direction in ("sent", "received"):
        assert 5000 <= after[direction] - before[direction] < 50000, direction
    page = metrics.Metrics(metrics.page(drover))
    counted = page.sum("drover_guest_network_bytes_total", guest=guest["name"], direction="received")
    assert counted >= after["received"]
    assert page.sum("drover_guest_network_packets_total", guest=guest["name"], direction="sent") >= 5


@pytest.mark.promise("FIREWALL-5")
def test_guests_reach_of_the_host_what_they_need(drover, owner):
    owner.request(1, "--kind", "container")
    (guest,) = owner.guests()
    gateway = gateway_of(drover)
    server = subprocess.Popen(["/usr/bin/python3", "-m", "http.server", "8765"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: ":8765" in sh("ss", "-ltn"), "the host serves")
        assert "Address" in owner.ssh(guest["name"], f"nslookup {guest['name']}.{drover.instance}.internal {gateway} 2>&1; true")
        assert owner.ssh(guest["name"], f"ping -c1 -W5 {gateway} >/dev/null && echo yes") == "yes"
        assert owner.ssh(guest["name"], f"printf 'GET / HTTP/1.0\\n\\n' | timeout 3 nc {gateway} 8765 | head -c 4; true") == ""
    finally:
        server.kill()
        server.wait()
