"""A guest that floods its channel at full speed slows no other guest and no request."""
import concurrent.futures
import json
import pathlib
import statistics
import time

import boxes
import door
import pytest
from drover import Owner, wait_until

FLOOD = (
    "tty=$(cat /run/drover/channel); kill -STOP $(pidof drover-guest); "
    "yes '{}' >$tty 2>/dev/null </dev/null & yes '{}' >$tty 2>/dev/null </dev/null &"
)
WORDS = ("READY " + "a" * 64, "LEVELS 1 2 3 4 5", "OK 7", "garbage " * 400)


def events(drover, *more):
    return [json.loads(line) for line in drover.call("events", *more).out.splitlines()]


def flooders(domain):
    """Processes of the container that do nothing but write."""
    names = [pathlib.Path(f"/proc/{pid}/comm") for pid in boxes.processes(domain)]  # a shell may be it all by itself
    return [name for name in names if name.exists() and name.read_text() == "yes\n"]


def percentile(times, percent):
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]


def asked(drover, count):
    """Milliseconds of so many requests, four at a time, of all sorts that only look."""

    def one(number):
        target = ("/v1/guests", "/v1/health", "/v1/status", "/v1/operations")[number % 4]
        began = time.monotonic()
        assert door.ask(drover.socket, "GET", target)[0] == 200
        return (time.monotonic() - began) * 1000

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(count)))


def restarted(drover, owner, name, count):
    """Seconds of so many restarts of another guest, each to READY."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        assert drover.ask("restart", name)["outcome"] == "done"
        times.append(time.monotonic() - began)
    return times


@pytest.mark.promise("HEALTH-7")
def test_a_flooding_guest_slows_nobody(drover, keys, full, figure, chance):
    count, requests, restarts = (20, 2000, 20) if full else (4, 200, 3)
    owner = Owner(drover, "flood", keys, quota=count)
    owner.request(count, "--kind", "container", "--timeout", "0")
    bad, other = owner.names()[:2]
    calm, calm_restarts = asked(drover, requests), restarted(drover, owner, other, restarts)
    owner.ssh(bad, FLOOD.format(*chance.sample(WORDS, 2)))
    domain = drover.guest(bad)["domain"]
    wait_until(lambda: len(flooders(domain)) == 2, "it floods")
    begin = max(event["id"] for event in events(drover))
    flooded, flooded_restarts = asked(drover, requests), restarted(drover, owner, other, restarts)
    assert len(flooders(domain)) == 2
    for what, before, after in (("request", calm, flooded), ("restart", calm_restarts, flooded_restarts)):
        figure(f"{what}, p50 calm and flooded", f"{statistics.median(before):.1f} {statistics.median(after):.1f}", "")
        figure(f"{what}, p99 calm and flooded (promised: at most 2x)",
               f"{percentile(before, 99):.1f} {percentile(after, 99):.1f}", "")
    phases = owner.phases()
    assert all(phase == "ready" for name, phase in phases.items() if name != bad), phases
    said = [event for event in events(drover, "--since", begin) if event["guest"] == bad]
    assert len(said) < 50, "the log is no flood"
    if full:
        assert percentile(flooded, 99) <= 2 * percentile(calm, 99)
        assert percentile(flooded_restarts, 99) <= 2 * percentile(calm_restarts, 99)
    owner.retire_all()
