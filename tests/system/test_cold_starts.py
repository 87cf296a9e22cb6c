"""A herd of real vms boots as fast as the processors allow, and sooner than all at once: WAVE-14."""
import json
import os
import statistics

import pytest
from drover import Owner, virsh


def cpu_seconds(guest):
    """Of the guest's machine, since it was started through libvirt."""
    stats = virsh("domstats", "--cpu-total", guest["domain"])
    return int(next(line.split("=")[1] for line in stats.splitlines() if "cpu.time=" in line)) / 1e9


def trouble(drover):
    """All that had to be tried again, or was given up."""
    return [line for line in drover.call("events").out.splitlines() if json.loads(line)["kind"] in ("retry", "fault")]


def start(drover, wave):
    """Seconds until each was ready, in order."""
    drover.ask("stop", "--all", "--timeout", "0")
    before = trouble(drover)
    name = drover.ask("start", "--all", "--wave", wave, "--timeout", "0")["operation"]
    (found,) = drover.ask("operations", name)
    assert {item["outcome"] for item in found["items"]} == {"done"}, found["items"]
    assert trouble(drover) == before
    return sorted(item["ended"] for item in found["items"])


@pytest.mark.promise("WAVE-14")
def test_cold_starts_against_the_processors_and_all_at_once(drover, keys, full, figure):
    count, runs = (30, 3) if full else (3, 1)
    owner = Owner(drover, "cold", keys, quota=count)
    owner.request(count, "--timeout", "0")
    alone = []
    for _ in range(runs):
        drover.ask("stop", "--all", "--timeout", "0")
        drover.ask("start", owner.names()[0])
        alone.append(cpu_seconds(drover.guest(owner.names()[0])))
    bound = count * statistics.median(alone) / os.cpu_count()

    waves, at_once = [], []
    for _ in range(runs):
        waves.append(start(drover, "adaptive"))
        at_once.append(start(drover, f"in_flight={count}"))
    end = statistics.median(times[-1] for times in waves)
    end_at_once = statistics.median(times[-1] for times in at_once)
    middle = statistics.median(map(statistics.median, waves))
    middle_at_once = statistics.median(map(statistics.median, at_once))
    figure(f"CPU bound of {count} boots of {statistics.median(alone):.2f} s each", bound, "s")
    figure("all ready after: adaptive, all at once", f"{end:.1f}, {end_at_once:.1f}", "s")
    figure("of the CPU bound (promised: at least 80)", 100 * bound / end, "%")
    figure("against all at once (promised: at most 1.1)", f"{end / end_at_once:.2f}", "")
    figure("ready in the median after: adaptive, all at once", f"{middle:.1f}, {middle_at_once:.1f}", "s")
    figure("against all at once (promised: at most 0.7)", f"{middle / middle_at_once:.2f}", "")
    owner.retire_all()
    assert not full or (bound >= 0.8 * end and end <= 1.1 * end_at_once and middle <= 0.7 * middle_at_once)
