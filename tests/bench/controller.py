#!/usr/bin/python3
"""What the controller costs: one daemon on libvirt's test driver and a herd of simulated guests. Run by tools/bench,
inside tools/lab."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1])]
from drover import TINY, Drover  # noqa: E402
from usage import Usage  # noqa: E402

MB = 1_000_000
IN_PROCESS = "test:///default"  # the driver is in the daemon: what its network costs with many names counts as ours
REMOTE = "test+unix:///default"  # in libvirtd, as the drivers of real guests are


def settings(uri):
    return (
        f"hosts: [{{name: local, vm_uri: '{uri}'}}]\n"
        "network: {cidr: 10.48.0.0/16, host_names: none}\n"
        "testing: {enabled: true, guests: simulated}\n"
    )


class Run:
    """A daemon that is given `guests` guests, and what that took."""

    def __init__(self, uri, guests):
        self.uri = uri
        self.guests = guests
        self.drover = Drover(f"b{guests}{'r' if uri == REMOTE else ''}", settings(uri))

    def measure(self, idle_seconds):
        # libvirt's test driver keeps its domains for as long as somebody is connected.
        keeper = subprocess.Popen(
            ["virsh", "-c", self.uri, "event", "--all", "--loop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.drover.start()
        try:
            self.drover.ask("image", "build", TINY)
            self.drover.ask("owner", "set", "bench", "--quota", self.guests)
            self.usage = Usage(self.drover.process.pid)
            self.bring_up()
            self.rest(idle_seconds)
            self.list()
            self.memory = self.usage.memory() / MB
            self.descriptors = self.usage.descriptors()
        finally:
            self.drover.stop()
            keeper.terminate()
            keeper.wait()

    def bring_up(self):
        before, began = self.usage.cpu_seconds(), time.monotonic()
        self.drover.ask("request", "--owner", "bench", "--count", self.guests, "--timeout", "0")
        self.seconds = time.monotonic() - began
        self.cpu_per_guest = (self.usage.cpu_seconds() - before) / self.guests * 1000
        phases = self.drover.phases()
        assert len(phases) == self.guests and set(phases.values()) == {"ready"}

    def rest(self, seconds):
        time.sleep(5)  # what was begun ends
        before, began = self.usage.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        self.idle = (self.usage.cpu_seconds() - before) / (time.monotonic() - began) * 100

    def list(self, runs=31):
        times = []
        for _ in range(runs):
            began = time.monotonic()
            self.drover.say("list", "--json")
            times.append((time.monotonic() - began) * 1000)
        self.list_p50 = statistics.median(times)

    def report(self):
        print(f"{self.guests} guests on {self.uri}:")
        print(f"  request to ready   {self.seconds:.1f} s, CPU per guest {self.cpu_per_guest:.2f} ms")
        print(f"  list --json p50    {self.list_p50:.0f} ms (promised for 1,000: under 100)")
        print(f"  memory             {self.memory:.1f} MB (promised for 1,000: under 60)")
        print(f"  idle               {self.idle:.2f} % of one core (promised: under 3)")
        print(f"  file descriptors   {self.descriptors}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guests", type=int, action="append", help="of a run; give several to compare (1000)")
    parser.add_argument("--uri", choices=(IN_PROCESS, REMOTE), default=REMOTE)
    parser.add_argument("--idle", type=int, default=65, help="seconds to watch the idle daemon")
    arguments = parser.parse_args()
    first = None
    for guests in arguments.guests or [1000]:
        run = Run(arguments.uri, guests)
        print(f"load average {os.getloadavg()[0]:.1f}")
        run.measure(arguments.idle)
        run.report()
        first = first or run
        if run is not first:
            ratio = run.cpu_per_guest / first.cpu_per_guest
            print(f"  CPU per guest      {ratio:.2f} of that of {first.guests} (promised for 10,000: at most 1.5)")


if __name__ == "__main__":
    main()
