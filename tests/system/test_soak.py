"""Churn without end: the daemon holds no more afterwards than before: TRUST-17. Half a day of requests and steps, in
little time: a daemon of simulated guests as fast as two clients ask, one of five real guests as fast as they boot."""
import concurrent.futures
import os
import random
import time

import pytest
from crowd import OWNERS, Client
from drover import TINY, Drover, Owner, wait_until
from usage import Usage

pytestmark = pytest.mark.promise("TRUST-17")

MIB = 1 << 20
QUOTA = 20
REAL_GUESTS = 5


class Soak:
    """One daemon under churn. It is measured at rest, each time with the same guests: what differs then has leaked."""

    def __init__(self, drover, seed):
        self.drover = drover
        self.usage = Usage(drover.process.pid)
        self.chance = random.Random(seed)
        self.done = 0

    def measure(self):
        self.come_to_rest()
        return self.usage.memory(), self.usage.descriptors()

    def run(self, warm_up, seconds):
        """What it held after the warm-up and what at the end."""
        self.churn(time.monotonic() + warm_up)
        before = self.measure()
        self.done = 0
        self.churn(time.monotonic() + seconds)
        return before, self.measure()

    def settled(self, count):
        guests = self.drover.guests()
        wanted = all(guest["phase"] == guest["desired"] and not guest["fault"] for guest in guests)
        return wanted and len(guests) == count


class Simulated(Soak):
    """Many guests that cost nothing: all that the API offers, by two clients."""

    def churn(self, until):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            lives = [pool.submit(self.live, self.chance.random(), until) for _ in range(2)]
            self.done += sum(life.result() for life in lives)

    def live(self, seed, until):
        client = Client(self.drover.socket, seed)
        while time.monotonic() < until:
            client.step()
            client.milliseconds.clear()
        client.connection.close()
        assert client.wrong == []
        return sum(client.statuses.values())

    def come_to_rest(self):
        self.drover.ask("retire", "--all", "--yes")
        wait_until(lambda: self.settled(0), "all guests are gone", 120)
        self.drover.ask("request", "--owner", OWNERS[0], "--count", QUOTA)
        wait_until(lambda: self.settled(QUOTA), "all guests are ready", 120)


class Real(Soak):
    """A few guests that boot: one verb after another."""

    def __init__(self, owner, seed):
        super().__init__(owner.drover, seed)
        self.owner = owner

    def churn(self, until):
        self.come_to_rest()
        while time.monotonic() < until:
            verb = self.chance.choice(("stop", "start", "restart", "rebuild", "retire"))
            sure = ("--yes",) if verb in ("rebuild", "retire") else ()
            self.drover.ask(verb, self.chance.choice(self.owner.names()), *sure)
            self.owner.request(REAL_GUESTS)
            self.done += 1

    def come_to_rest(self):
        self.owner.request(REAL_GUESTS)
        self.drover.ask("start", "--owner", self.owner.name)
        wait_until(lambda: self.settled(REAL_GUESTS), "all guests are ready", 300)


@pytest.fixture
def simulated(chance):
    drover = Drover(
        "soak",
        "hosts: [{name: local, vm_uri: 'fake:///var/lib/drover-soak/hypervisor'}]\n"
        "network: {cidr: 10.48.0.0/16, host_names: none, quarantine: 10s}\n"
        "testing: {enabled: true, guests: simulated}\n",
    )
    drover.start()
    drover.ask("image", "build", TINY)
    for owner in OWNERS:
        drover.ask("owner", "set", owner, "--quota", QUOTA)
    yield Simulated(drover, chance.random())
    drover.stop()


def growth(before, after):
    """Of the memory, in percent."""
    return (after[0] / before[0] - 1) * 100


def tell(soak, before, after, figure):
    name = type(soak).__name__.lower()
    figure(f"{name}: requests or verbs", soak.done, f"load average {os.getloadavg()[0]:.0f}")
    figure(f"{name}: memory", after[0] / MIB, f"MiB, was {before[0] / MIB:.1f}: {growth(before, after):+.1f} %")
    figure(f"{name}: file descriptors", after[1], f"were {before[1]}")


@pytest.fixture
def real(drover, keys, chance):
    owner = Owner(drover, "soak", keys, quota=REAL_GUESTS)
    yield Real(owner, chance.random())
    owner.retire_all()


def test_churn(request, simulated, figure, full):
    soaks = [simulated, request.getfixturevalue("real")] if full else [simulated]
    warm_up, seconds, most_growth = (240, 960, 2) if full else (20, 40, 15)
    with concurrent.futures.ThreadPoolExecutor(len(soaks)) as pool:
        lives = [pool.submit(soak.run, warm_up, seconds) for soak in soaks]
        held = [life.result() for life in lives]
    for soak, (before, after) in zip(soaks, held, strict=True):
        tell(soak, before, after, figure)
    for soak, (before, after) in zip(soaks, held, strict=True):
        assert after[1] <= before[1] + 1
        assert growth(before, after) < most_growth
        assert soak.drover.findings() == []
