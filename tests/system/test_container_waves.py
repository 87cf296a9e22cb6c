"""Waves of real containers: how fast adaptive is, what survives kills, what a bad image does: WAVE-9 to WAVE-13."""
import pathlib
import shutil
import statistics
import subprocess
import time

import boxes
import door
import pytest
from drover import BIN, ROOT, TINY, Drover, Owner, everywhere, sh, wait_until

READY_TIMEOUT = 4  # seconds; a container needs a tenth of one

DEAF = r"""
extern "C" void _start() {
    for (;;) asm volatile("syscall" : : "a"(34) : "rcx", "r11", "memory");  // pause
}
"""


def settings(boot="one"):
    return (
        "network: {cidr: 10.48.32.0/20}\n"
        f"timeouts: {{ready: {READY_TIMEOUT}s}}\n"
        f"testing: {{enabled: true, boot_id: {boot}}}\n"
    )


@pytest.fixture(scope="module")
def drover():
    drover = Drover("crates", settings())
    drover.start()
    drover.ask("image", "build", TINY)
    yield drover
    drover.stop()


@pytest.fixture
def herd(request, drover, keys, full):
    """herd(full, reduced): an owner with so many containers, ready."""
    owner = Owner(drover, "crew", keys, quota=200)

    def make(size, reduced):
        owner.request(size if full else reduced, "--kind", "container", "--timeout", "0")
        return owner

    yield make
    if drover.process is None:
        drover.start()
    owner.retire_all()
    wait_until(lambda: not any(boxes.traces(drover).values()), "nothing is left of the containers")
    assert drover.findings() == []


def operation(drover, name):
    (found,) = drover.ask("operations", name)
    return found


def over(drover, name, timeout=600):
    wait_until(lambda: operation(drover, name)["finished"], f"{name} is over", timeout)
    return operation(drover, name)


def all_off(drover):
    drover.ask("stop", "--all", "--wave", "in_flight=60", "--timeout", "0")


@pytest.mark.promise("WAVE-9")
def test_the_classic_staircase_and_its_forecast(drover, herd, full, figure, tmp_path):
    size, interval = (15, 30) if full else (4, 2)
    count = len(herd(60, 12).names())
    all_off(drover)
    plan = drover.ask("start", "--all", "--wave", f"{size}/{interval}s", "--plan")["ends_in"]
    name = drover.ask("start", "--all", "--wave", f"{size}/{interval}s", "--no-wait")["operation"]
    _, outlook = door.ask(drover.socket, "GET", f"/v1/operations/{name}?outlook=true")
    found = over(drover, name)
    stairs = [round(begun / interval) for begun in sorted(item["begun"] for item in found["items"])]
    end = max(item["ended"] for item in found["items"])
    figure(f"{count} containers, {size}/{interval}s: {stairs[-1] + 1} stairs", end, "s")
    figure("as planned, as told at the start", f"{plan:.1f}, {outlook['ends_in']:.1f}", "s")
    assert stairs == [n // size for n in range(count)]
    assert not full or all(abs(forecast - end) <= 0.15 * end for forecast in (plan, outlook["ends_in"]))
    assert drover.say("operations", name, "--plot", tmp_path / "wave.svg").code == 0


@pytest.mark.promise("WAVE-10")
def test_adaptive_against_the_best_fixed_number(drover, herd, full, figure):
    count = len(herd(60, 12).names())
    rules = ["adaptive"] + [f"in_flight={n}" for n in ((1, 2, 4, 8, 16, 32) if full else (2, 8))]
    seconds = {rule: [] for rule in rules}
    for _ in range(3 if full else 1):
        for rule in rules:
            all_off(drover)
            begin = time.monotonic()
            drover.ask("start", "--all", "--wave", rule)
            seconds[rule].append(time.monotonic() - begin)
    median = {rule: statistics.median(times) for rule, times in seconds.items()}
    for rule, time_taken in median.items():
        figure(f"{count} containers, {rule}", time_taken, "s")
    ratio = median["adaptive"] / min(median[rule] for rule in rules[1:])
    figure("adaptive against the best (promised: at most 1.15)", f"{ratio:.2f}", "")
    assert not full or ratio <= 1.15


@pytest.mark.promise("WAVE-11")
def test_killed_at_random_in_mid_wave(drover, herd, full, chance, figure):
    owner = herd(100, 12)
    names = owner.names()
    everywhere(lambda name: owner.ssh(name, f"echo {name} >/home/mine"), names)
    kills = 20 if full else 3
    for turn in range(kills):
        verb = ("stop", "start", "restart")[turn % 3]
        name = drover.ask(verb, "--all", "--no-wait")["operation"]
        time.sleep(chance.uniform(0.05, 4 if full else 1))  # where in the wave is what chance decides
        drover.kill()
        drover.start()
        if turn % 2:  # else the next wave meets what is left of this one
            assert {item["outcome"] for item in over(drover, name)["items"]} <= {"done", "unchanged"}
    drover.ask("start", "--all", "--timeout", "0")
    assert set(owner.phases().values()) == {"ready"}
    assert len(boxes.traces(drover)["processes"]) == len(names)
    assert everywhere(lambda name: owner.ssh(name, "cat /home/mine"), names) == names
    figure("kills in mid-wave", kills, f"of {len(names)} containers")


@pytest.mark.promise("WAVE-12")
def test_a_boot_of_the_host_brings_everybody_back(drover, herd, full, chance):
    owner = herd(60, 8)
    names = owner.names()
    off = chance.sample(names, len(names) // 4)
    drover.ask("stop", *off)
    before = owner.phases()
    drover.say("host", "stop", "--no-wait", "--budget", "5m")
    drover.kill()
    drover.start()
    stopped = {"mode": "stopped", "guests_up": 0, "force_in": None}
    wait_until(lambda: drover.ask("host", "status") == stopped, "all are off", 120)
    assert boxes.traces(drover)["processes"] == []
    drover.kill()
    drover.config.write_text(f"instance: {drover.instance}\n{settings('two')}")
    drover.start()
    wait_until(lambda: owner.phases() == before, "everybody is what they were", 120)
    drover.config.write_text(f"instance: {drover.instance}\n{settings()}")


@pytest.fixture
def deaf(drover):
    """A version of the image whose first process never says a word; `good` is the one before."""
    own = pathlib.Path("/etc/drover/images") / TINY
    shutil.copytree(ROOT / "images" / TINY, own)
    command = ["g++", "-x", "c++", "-nostdlib", "-static", "-Os", "-s", "-o", own / "deaf", "-"]
    subprocess.run(command, input=DEAF, text=True, check=True)
    assemble = own / "assemble"
    instead = f'cp "{own}/deaf" "$root/usr/libexec/drover-guest"\npack_root'
    assemble.write_text(assemble.read_text().replace("pack_root", instead))
    yield drover.ask("image", "build", TINY)["message"]
    shutil.rmtree(own)


@pytest.mark.promise("WAVE-13")
def test_an_image_that_never_gets_ready_stops_the_wave(drover, herd, deaf, full, figure):
    owner = herd(40, 10)
    all_off(drover)
    (good,) = {guest["version"] for guest in owner.guests()}
    drover.ask("upgrade", "--all", "--to", deaf)

    answer = drover.call("start", "--all", "--wave", "in_flight=4,stop_on=50%/4", "--timeout", "0")
    assert answer.code == 1
    items = answer.json["items"]
    failed = [item for item in items if item["outcome"] == "failed"]
    untouched = [item for item in items if item["outcome"] == "cancelled"]
    figure("failed and untouched", f"{len(failed)} and {len(untouched)}", f"of {len(items)}")
    assert 2 <= len(failed) <= 4 and len(failed) + len(untouched) == len(items)
    assert all("of the first" in item["reason"] for item in untouched), untouched[0]["reason"]
    assert {owner.phases()[item["name"]] for item in untouched} == {"stopped"}
    for item in untouched:
        assert drover.guest(item["name"])["desired"] == "stopped"
    drover.ask("upgrade", "--all", "--to", good)
    drover.ask("start", "--all", "--timeout", "0")
    assert set(owner.phases().values()) == {"ready"}
