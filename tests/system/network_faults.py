"""Faults of addresses, names and networks, and things of ours that somebody else made. Each planter takes a Herd and
returns what fsck has to say about it."""
import re
import uuid

from planted import HOSTS, Fault, printable

# ---- doubled-address. The herd's guests of one pair each: the later one is told.


def pair(herd):
    return sorted([herd.take(), herd.take()], key=lambda guest: guest["id"])


def number_of(address):
    return int.from_bytes(map(int, address.split(".")))


def same_address_in_the_registry(herd):
    first, second = pair(herd)
    with herd.registry() as database:
        database.execute("DELETE FROM addresses WHERE address = ?", [number_of(second["address"])])
        database.execute(
            "UPDATE guests SET address = ? WHERE id = ?", [number_of(first["address"]), second["id"]]
        )
    return [Fault("doubled-address", first["address"], second["name"])]


def same_mac_in_the_registry(herd):
    """UNIQUE tells capitals from small letters, the network does not."""
    first, second = pair(herd)
    mac = f"52:54:00:ab:cd:{first['id']:02x}"
    with herd.registry() as database:
        for guest, written in ((first, mac), (second, mac.upper())):
            database.execute("UPDATE guests SET mac = ? WHERE id = ?", [written, guest["id"]])
    return [Fault("doubled-address", mac, second["name"])]


def same_mac_in_the_domains(herd):
    first, second = sorted([herd.take("stopped"), herd.take()], key=lambda guest: guest["phase"] == "stopped")
    herd.define(herd.domain(second).replace(second["mac"], first["mac"]))
    later = max(first, second, key=lambda guest: guest["id"])
    return [Fault("doubled-address", first["mac"], later["name"])]


def address_in_use_called_free(herd):
    guest = herd.take()
    with herd.registry() as database:
        database.execute(
            "UPDATE addresses SET free_at = ? WHERE address = ?", [2**52, number_of(guest["address"])]
        )
    return [Fault("doubled-address", guest["address"], guest["name"])]


def address_in_use_unknown(herd):
    guest = herd.take()
    with herd.registry() as database:
        database.execute("DELETE FROM addresses WHERE address = ?", [number_of(guest["address"])])
    return [Fault("doubled-address", guest["address"], guest["name"])]


def address_of_nobody_in_use(herd):
    address = herd.guests[0]["address"].rsplit(".", 1)[0] + f".{herd.chance.randint(100, 250)}"
    with herd.registry() as database:
        database.execute("INSERT INTO addresses (address) VALUES (?)", [number_of(address)])
    return [Fault("doubled-address", address)]


# ---- stale-dns


def free_address(herd):
    return herd.guests[0]["address"].rsplit(".", 1)[0] + f".{next(herd.numbers) % 150 + 100}"


def in_network(herd, *words):
    address, *names = words
    entry = f"<host ip='{address}'>{''.join(f'<hostname>{name}</hostname>' for name in names)}</host>"
    herd.virsh("net-update", herd.network(), "add", "dns-host", entry, "--live", "--config")
    told = " ".join(words)
    return [Fault("stale-dns", told, mends=("dns", herd.network(), told))]


def in_names_folder(herd, line, file=None):
    with (herd.drover.state / "names" / (file or line.split()[0])).open("a") as names:
        names.write(f"{line}\n")
    return [Fault("stale-dns", printable(line), mends=("name", printable(line)))]


def in_hosts_file(herd, line):
    end = f"# end drover {herd.drover.instance}\n"
    HOSTS.write_text(HOSTS.read_text().replace(end, f"{line}\n{end}"))
    return [Fault("stale-dns", printable(line), mends=("line", printable(line)))]


def name_of_nobody_in_the_network(herd):
    ghost = f"ghost-{next(herd.numbers)}"
    return in_network(herd, free_address(herd), ghost, f"{ghost}.{herd.drover.instance}.internal")


def name_of_a_guest_at_another_address(herd):
    return in_network(herd, free_address(herd), f"{herd.take()['name']}.elsewhere")


def file_of_nobody(herd):
    return in_names_folder(herd, f"{free_address(herd)} ghost-{next(herd.numbers)}")


def file_of_a_guest_at_another_address(herd):
    return in_names_folder(herd, f"{free_address(herd)} {herd.take()['name']}")


def file_with_one_line_too_many(herd):
    guest = herd.take()
    return in_names_folder(herd, f"{guest['address']} www.example.org")


def file_of_rubbish(herd):
    return in_names_folder(herd, f"gäst {next(herd.numbers)}", file="notes")


def line_of_nobody(herd):
    return in_hosts_file(herd, f"{free_address(herd)} ghost-{next(herd.numbers)}")


def line_of_a_guest_at_another_address(herd):
    return in_hosts_file(herd, f"{free_address(herd)} {herd.take()['name']}")


def line_with_one_name_too_many(herd):
    guest = herd.take()
    return in_hosts_file(herd, f"{guest['address']} {guest['name']} www.example.org")


def line_of_rubbish(herd):
    return in_hosts_file(herd, f"gäst {next(herd.numbers)}")


# ---- orphan-network, missing-network


def with_our_bridge(herd, *, started):
    name = f"left-over-{next(herd.numbers)}"
    herd.define(
        f"<network><name>{name}</name><bridge name='{herd.drover.instance}-br'/></network>", verb="net-define"
    )
    if started:
        herd.virsh("net-start", name)
    return [Fault("orphan-network", name)]


def network_with_our_bridge(herd):
    return with_our_bridge(herd, started=False)


def active_network_with_our_bridge(herd):
    return with_our_bridge(herd, started=True)


def our_network_defined_as(herd, name, number):
    text = herd.virsh("net-dumpxml", herd.network())
    herd.remove_network()
    text = re.sub("<uuid>.*</uuid>", f"<uuid>{number}</uuid>" if number else "", text)
    herd.define(text.replace(f"<name>{herd.network()}<", f"<name>{name}<"), verb="net-define")


def our_network_renamed(herd):
    name = f"renamed-{next(herd.numbers)}"
    ours = re.search("<uuid>(.*)</uuid>", herd.virsh("net-dumpxml", herd.network()))[1]
    our_network_defined_as(herd, name, ours)
    return [Fault("orphan-network", name), Fault("missing-network", herd.network())]


# ---- foreign-state


def namesake(herd, verb="define", registry=None):
    name = f"{herd.drover.instance}-{next(herd.numbers)}"
    herd.make_like(herd.guests[0], name, verb, tag=registry is not None, registry=registry)
    return [Fault("foreign-state", name)]


def foreign_domain(herd):
    return namesake(herd)


def running_foreign_domain(herd):
    return namesake(herd, verb="create")


def domain_of_another_registry(herd):
    return namesake(herd, registry=uuid.UUID(int=herd.chance.getrandbits(128)))


def foreign_domain_in_the_place_of_a_guests(herd):
    guest = herd.take("stopped")
    like = herd.domain(guest)
    herd.virsh("undefine", guest["domain"])
    herd.guests.remove(guest)
    herd.define(re.sub("<uuid>.*?</uuid>|<metadata>.*?</metadata>", "", like, flags=re.DOTALL))
    return [Fault("foreign-state", guest["domain"], guest["name"])]


def foreign_network_in_the_place_of_ours(herd):
    our_network_defined_as(herd, herd.network(), None)
    return [Fault("foreign-state", herd.network())]


KINDS = {
    "doubled-address": [
        same_address_in_the_registry,
        same_mac_in_the_registry,
        same_mac_in_the_domains,
        address_in_use_called_free,
        address_in_use_unknown,
        address_of_nobody_in_use,
    ],
    "stale-dns": [
        file_of_nobody,
        file_of_a_guest_at_another_address,
        file_with_one_line_too_many,
        file_of_rubbish,
        name_of_nobody_in_the_network,
        name_of_a_guest_at_another_address,
        line_of_nobody,
        line_of_a_guest_at_another_address,
        line_with_one_name_too_many,
        line_of_rubbish,
    ],
    "orphan-network": [network_with_our_bridge, active_network_with_our_bridge] * 2 + [our_network_renamed],
    "foreign-state": [
        foreign_domain,
        running_foreign_domain,
        domain_of_another_registry,
        foreign_domain_in_the_place_of_a_guests,
        foreign_network_in_the_place_of_ours,
    ],
}
