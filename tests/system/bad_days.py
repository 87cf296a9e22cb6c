"""What the tests of bad days have in common: a daemon on simulated guests that starts at once, small disks that fill up,
and clients that measure how long the daemon takes to answer while things go wrong."""
import contextlib
import itertools
import json
import pathlib
import shutil
import threading
import time

import rawhttp
from drover import TINY, Drover, sh, wait_until

MIB = 1 << 20


def hypervisor_of(instance):
    """Where it keeps its domains: outside of the state, whose disk gets full."""
    return f"/var/lib/drover-hypervisor-{instance}"


def simulated(instance, network, settings=""):
    """A daemon that was never started, on the simulated hypervisor."""
    return Drover(
        instance,
        f"hosts: [{{name: local, vm_uri: 'fake://{hypervisor_of(instance)}'}}]\n"
        f"network: {{cidr: {network}, host_names: none, quarantine: 1h}}\n"
        f"retry: {{backoff: 100ms}}\n"
        f"testing: {{enabled: true, guests: simulated}}\n{settings}",
    )


def add_owner(drover, quota=100):
    drover.ask("owner", "set", "alice", "--quota", quota)


def await_ready(drover, names, timeout=30):
    """Until these guests are ready, and without a fault."""

    def ready():
        return {name: (guest["phase"], guest["fault"]) for name, guest in by_name(drover).items() if name in names}

    wait_until(lambda: ready() == dict.fromkeys(names, ("ready", None)), f"{names} are ready", timeout)


def by_name(drover):
    return {guest["name"]: guest for guest in drover.guests()}


def events(drover, since=0):
    """Those after the event `since`, oldest first."""
    return [json.loads(line) for line in drover.call("events", "--since", since).out.splitlines()]


def messages(drover, since=0):
    return [event["message"] for event in events(drover, since)]


def last_event(drover):
    return max((event["id"] for event in events(drover)), default=0)


class SmallDisk:
    """A small file system of its own at a folder, made of a file: it can be filled and be given space again."""

    def __init__(self, folder, image, size=64 * MIB):
        self.folder = pathlib.Path(folder)
        self.filler = self.folder / "filler"
        self.folder.mkdir(parents=True, exist_ok=True)
        with image.open("wb") as file:
            file.truncate(size)
        sh("mkfs.ext4", "-q", "-m", "0", image)
        sh("mount", "-o", "loop", image, folder)

    def fill(self, but=0):
        """To the last byte, or to so many before."""
        with self.filler.open("ab", buffering=0) as file:
            for size in (MIB, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)):
                        pass
            file.truncate(max(0, file.tell() - but))

    def give_space(self):
        self.filler.unlink()

    def unmount(self):
        if self.folder.is_mount():
            sh("umount", self.folder)


class Clients:
    """A few clients that ask one thing after the other and note how long each answer took. Use it with `with`."""

    PAUSE = 0.05  # people do not ask without a break

    def __init__(self, drover, owner, count=3):
        self.drover = drover
        self.body = json.dumps({"owner": owner, "count": 1}).encode()  # it has one: nothing to make
        self.took = []
        self.refused = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.ask_on) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *problem):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def ask_on(self):
        name = self.drover.guests()[0]["name"]
        questions = itertools.cycle(
            [
                ("GET", "/v1/guests", b""),
                ("GET", f"/v1/guests/{name}", b""),
                ("POST", "/v1/guests", self.body),
                ("GET", "/v1/operations", b""),
            ]
        )
        while not self.over.wait(self.PAUSE):
            self.ask(*next(questions))

    def ask(self, method, target, body):
        began = time.monotonic()
        reply = rawhttp.ask(self.drover.socket, method, target, body)
        self.took.append(time.monotonic() - began)
        if reply.status not in (200, 202):
            self.refused.append(f"{method} {target}: {reply.json}")

    def p99(self):
        return sorted(self.took)[len(self.took) * 99 // 100]


def built_state():
    """A state folder in which the image is built and nothing else ever happened."""
    drover = simulated("seed", "10.59.0.0/24")
    drover.start()
    drover.ask("image", "build", TINY)
    drover.stop()
    (drover.state / "lock").unlink()
    return drover.state


def put_state(seed, drover):
    """Gives a daemon that was never started a copy of it."""
    drover.state.mkdir(mode=0o711, exist_ok=True)
    sh("cp", "-a", "--reflink=auto", *seed.glob("*"), drover.state)


def remove(drover):
    if drover.process:
        drover.stop()
    shutil.rmtree(drover.state, ignore_errors=True)
    shutil.rmtree(hypervisor_of(drover.instance))
