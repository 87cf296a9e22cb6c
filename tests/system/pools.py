"""What the tests of pools share: how full a pool is, and a bare way to resume a guest and hear from it."""
import ctypes
import json
import pathlib
import socket
import time
import xml.etree.ElementTree as xml

from drover import virsh, wait_until


def pool_of(drover, image="tiny", kind="vm"):
    found = [pool for pool in drover.ask("pool", "list") if (pool["image"], pool["kind"]) == (image, kind)]
    return found[0] if found else None


def is_full(drover, kind="vm", image="tiny"):
    """The pool, when all that is to be there is, and nothing is on its way in or out."""
    pool = pool_of(drover, image, kind)
    busy = pool["making"] + pool["outdated"] + pool["leaving"]
    full = all(pool[what]["have"] == pool[what]["target"] for what in ("parked", "stopped"))
    return pool if full and busy == 0 else None


def wait_until_full(drover, kind="vm", image="tiny", timeout=600):
    return wait_until(lambda: is_full(drover, kind, image), f"the pool of {kind} is full", timeout)


def members(drover, phase="parked"):
    return [guest for guest in drover.guests() if guest["owner"] is None and guest["phase"] == guest["desired"] == phase]


def kinds_told(drover):
    return [json.loads(line)["kind"] for line in drover.call("events").out.splitlines()]


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def cpu_seconds(processes):
    """That these processes used until now, all threads."""
    total = 0
    for process in processes:
        for task in pathlib.Path(f"/proc/{process}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


class BareGuest:
    """A guest whose daemon is away: libvirt's own resume, and one round trip on its channel."""

    def __init__(self, domain):
        self.libvirt = ctypes.CDLL("libvirt.so.0")
        for name in ("virConnectOpen", "virDomainLookupByName"):
            getattr(self.libvirt, name).restype = ctypes.c_void_p
        self.connection = ctypes.c_void_p(self.libvirt.virConnectOpen(b"qemu:///system"))
        self.domain = ctypes.c_void_p(self.libvirt.virDomainLookupByName(self.connection, domain.encode()))
        path = xml.fromstring(virsh("dumpxml", domain)).find("devices/channel/source").get("path")
        self.channel = socket.socket(socket.AF_UNIX)
        self.channel.settimeout(5)
        self.channel.connect(path)
        self.number = 0
        self.hear()

    def hear(self):
        self.number += 1
        self.channel.sendall(f"\nPING {self.number}\n".encode())
        said = ""
        mark = f"OK {self.number}\n"
        while mark not in said or not said.partition(mark)[2].endswith("\n"):
            said += self.channel.recv(65536).decode()

    def resume_and_hear(self):
        """Seconds that it takes."""
        assert self.libvirt.virDomainSuspend(self.domain) == 0
        begun = time.monotonic()
        assert self.libvirt.virDomainResume(self.domain) == 0
        self.hear()
        return time.monotonic() - begun

    def resume_and_introduce(self, introduction):
        """Seconds until it is READY under this identity: lines of KEY and IDENTITY, as the guest keeps them."""
        assert self.libvirt.virDomainSuspend(self.domain) == 0
        begun = time.monotonic()
        assert self.libvirt.virDomainResume(self.domain) == 0
        self.channel.sendall(introduction.encode())
        said = ""
        while "READY" not in said or not said.endswith("\n"):
            said += self.channel.recv(65536).decode()
        return time.monotonic() - begun
