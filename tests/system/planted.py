"""A herd into which faults are planted, with hands of its own on libvirt, the disk and the registry."""
import contextlib
import dataclasses
import hashlib
import pathlib
import re
import sqlite3
import tempfile
import xml.etree.ElementTree as xml

from drover import sh, wait_until

HOSTS = pathlib.Path("/etc/hosts")


@dataclasses.dataclass(frozen=True)
class Fault:
    """A finding that is due. `mends`: what --repair takes away, as Herd.snapshot names it; none: a person decides."""

    kind: str
    object: str
    guest: str | None = None
    mends: tuple | None = None


def printable(text):
    """As fsck writes what it does not trust: bytes that are no printable ASCII as \\xNN."""
    raw = text.encode(errors="surrogateescape")
    return "".join(chr(byte) if 0x20 <= byte <= 0x7E else f"\\x{byte:02x}" for byte in raw)


class Herd:
    """A daemon with guests on it, and hands of its own on libvirt, the disk and the registry."""

    def __init__(self, drover, uri, chance):
        self.drover = drover
        self.uri = uri
        self.chance = chance
        self.numbers = iter(chance.sample(range(900, 10_000), 200))  # of guests that never were
        self.guests = drover.guests()
        self.version = self.guests[0]["version"].removeprefix("sha256:")
        self.spare = self.guests[:]  # nothing was done to them yet
        chance.shuffle(self.spare)

    def take(self, phase=None):
        """A guest that no other fault is about."""
        guest = next(guest for guest in self.spare if phase in (None, guest["phase"]))
        self.spare.remove(guest)
        return guest

    def virsh(self, *words):
        return sh("virsh", "-q", "-c", self.uri, *words)

    def remove_network(self):
        self.virsh("net-destroy", self.network())
        # The daemon may look at this very moment, and begin to make it anew.
        sh("virsh", "-q", "-c", self.uri, "net-undefine", self.network(), check=False)

    def define(self, text, verb="define"):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(text)
            file.flush()
            self.virsh(verb, file.name)

    def domain(self, guest):
        return self.virsh("dumpxml", "--inactive", guest["domain"])

    def overlay(self, guest):
        """The only file of the guest's folder."""
        (file,) = (self.drover.state / "overlays" / str(guest["id"])).iterdir()
        return file

    def make_like(self, guest, name, verb="define", number=None, tag=True, registry=None, disk="/nowhere"):
        """A domain as somebody makes who copies and edits a guest's XML; virsh gives it a UUID."""
        text = re.sub("<uuid>.*?</uuid>", "", self.domain(guest))
        text = text.replace(f"<name>{guest['domain']}<", f"<name>{name}<")
        text = re.sub("<mac address=.*?/>", "", text)
        text = re.sub("<source file='[^']*/overlays/[^']*'/>", f"<source file='{disk}'/>", text)
        if number is not None:
            text = re.sub(" id=[\"']\\d+[\"'] name=", f' id="{number}" name=', text)
        if registry:
            text = re.sub("registry=[\"'].*?[\"']", f'registry="{registry}"', text)
        self.define(text if tag else re.sub("<metadata>.*?</metadata>", "", text, flags=re.DOTALL), verb)

    @contextlib.contextmanager
    def registry(self):
        """The daemon's database while the daemon is stopped. When it is back, it has set names right already."""
        self.drover.stop()
        with contextlib.closing(sqlite3.connect(self.drover.state / "registry.db")) as database, database:
            yield database
        end, nobody = f"# end drover {self.drover.instance}\n", "203.0.113.250 nobody\n"
        HOSTS.write_text(HOSTS.read_text().replace(end, nobody + end))
        self.drover.start()
        wait_until(lambda: nobody not in HOSTS.read_text(), "names are set right")

    def snapshot(self):
        """All that there is, by sort and name as fsck tells it, with what it is like."""
        return {**self.domains(), **self.networks(), **self.names(), **self.files("overlays"), **self.files("roots/tiny"), **self.files("copies"), **self.files("consoles"), **self.files("templates"), **self.lines()}

    def domains(self):
        names = self.virsh("list", "--all", "--name").split()
        return {("domain", name): self.virsh("dumpxml", name) for name in names}

    def networks(self):
        found = {}
        for name in self.virsh("net-list", "--all", "--name").split():
            network = xml.fromstring(self.virsh("net-dumpxml", name))
            for dns in network.findall("dns"):
                for host in dns.findall("host"):
                    words = [host.get("ip"), *(entry.text for entry in host)]
                    found["dns", name, " ".join(words)] = ""
                network.remove(dns)
            found["network", name] = xml.tostring(network)
        return found

    def names(self):
        """What the files say that the network's DNS reads."""
        texts = [file.read_text(errors="surrogateescape") for file in (self.drover.state / "names").iterdir()]
        return {("name", printable(line)): "" for text in texts for line in text.splitlines()}

    def files(self, folder):
        top = self.drover.state / folder
        return {("file", printable(str(path))): digest_of(path) for path in top.iterdir()}

    def lines(self):
        return {("line", printable(line)): "" for line in HOSTS.read_text().splitlines()}

    def network(self):
        return self.drover.instance


def digest_of(path):
    """Of a file, or of all that is in a folder."""
    if path.is_symlink():
        return str(path.readlink())
    if path.is_dir():
        return sorted((file.name, digest_of(file)) for file in path.iterdir())
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
