"""Many real containers: a mass start against a bare loop of libvirt's own calls, a mass stop against libvirt's own way,
and what is left of them."""
import contextlib
import os
import time

import boxes
import pytest
from door import ask
from drover import BIN, Owner, everywhere, lxc, sh, wait_until

WRITE_WHEN_TOLD = "trap 'echo {0} >/home/told; exit' TERM; sleep 1000000 & wait"


def bare_start(drover, subnet):
    """All by a bare loop of virDomainCreate, four at once, until each is READY; while no daemon runs. The seconds."""
    return float(sh(BIN / "drover_bench", "bare-starts", "--config", drover.config, "--subnet", subnet, timeout=600))


def running():
    return lxc("list", "--name").split()


def power_off(domains):
    """By libvirt's own signal, which it does not wait for; then those that it cannot signal."""
    script = "; ".join(f"shutdown {domain} --mode signal" for domain in domains)
    sh("virsh", "-q", "-c", "lxc:///", script, check=False)
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not running(), "all are off")
    for domain in running():
        lxc("destroy", domain)


def destroyed_one_by_one(domains):
    """As one would without a daemon; the seconds."""
    begin = time.monotonic()
    for domain in domains:
        sh("virsh", "-q", "-c", "lxc:///", "destroy", domain)
    return time.monotonic() - begin


def cpu_of(process):
    """Seconds of CPU that the daemon has used."""
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Measured:
    """How long the body took, and the daemon's part of the machine meanwhile."""

    def __init__(self, drover):
        self.process = drover.process

    def __enter__(self):
        self.begin, self.cpu = time.monotonic(), cpu_of(self.process)
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.begin
        self.share = 100 * (cpu_of(self.process) - self.cpu) / os.cpu_count() / self.seconds


@pytest.mark.promise("BOX-8")
def test_mass_start_stop_and_nothing_left(drover, keys, full, figure):
    count = 500 if full else 12
    sample = 50 if full else 3
    owner = Owner(drover, "many", keys, quota=count)
    with Measured(drover) as request:
        assert owner.request(count, "--kind", "container", "--timeout", "0")["outcome"] == "done"
    figure(f"{count} requested until ready", request.seconds, "s")
    names = owner.names()
    everywhere(lambda name: owner.ssh(name, f'sh -c "{WRITE_WHEN_TOLD.format(name)}" >/dev/null 2>&1 </dev/null &'), names)

    with Measured(drover) as stop:
        drover.ask("stop", "--all", "--timeout", "0")
    assert set(owner.phases().values()) == {"stopped"}
    assert boxes.traces(drover)["processes"] == []

    subnet = ask(drover.socket, "GET", "/v1/status")[1]["subnet"]
    drover.stop()
    loop = bare_start(drover, subnet)
    domains = drover.domains()
    destroyed = destroyed_one_by_one(domains[:sample]) * count / sample
    power_off(domains[sample:])
    drover.start()

    with Measured(drover) as start:
        drover.ask("start", "--all", "--timeout", "0")
    figure(f"{count} stopped, each in good order", stop.seconds, "s")
    figure("of it the daemon's CPU", stop.share, "%")
    figure(f"{sample} destroyed by virsh one by one, scaled to {count}", destroyed, "s")
    figure("faster (promised: at least 4 times)", f"{destroyed / stop.seconds:.1f}", "times")
    figure(f"{count} started until ready", start.seconds, "s")
    figure("of it the daemon's CPU", start.share, "%")
    figure("a bare loop of starts, 4 at once, until ready", loop, "s")
    figure("ratio (promised: at most 1.25)", f"{start.seconds / loop:.2f}", "")
    assert everywhere(lambda name: owner.ssh(name, "cat /home/told"), names) == names
    if full:
        assert start.seconds <= 1.25 * loop and destroyed >= 4 * stop.seconds
        assert start.share < 10 and stop.share < 10

    with Measured(drover) as retire:
        owner.retire_all()
    figure(f"{count} retired", retire.seconds, "s")
    wait_until(lambda: not any(boxes.traces(drover).values()), "nothing is left of the containers")
    assert drover.findings() == []
