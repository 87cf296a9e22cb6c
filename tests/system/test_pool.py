"""Guests ahead of demand: requests adopt what stands ready, pools fill up behind everything else: POOL-1 to POOL-8."""
import concurrent.futures
import json
import pathlib
import shutil
import statistics
import subprocess
import threading
import time

import door
import pytest
from drover import ROOT, TINY, Drover, Owner, assert_all_different, lxc, sh, virsh, wait_until
from metrics import metrics
from pools import BareGuest, cpu_seconds, is_full, kinds_told, members, pool_of, quantile, wait_until_full
from test_bad_days_libvirtd import Libvirtd

SETTINGS = """\
network: {quarantine: 1m}
quota: {default: 1000}
retire: {keep: 0s}
timeouts: {ready: 60s, stop: 5s}
"""
DEAF = r"""
extern "C" void _start() {
    for (;;) asm volatile("syscall" : : "a"(34) : "rcx", "r11", "memory");  // pause
}
"""


def configure(drover, more=""):
    drover.config.write_text(f"instance: {drover.instance}\n{SETTINGS}{more}")


@pytest.fixture(scope="module")
def drover():
    one = Drover("pool", SETTINGS)
    one.start()
    one.ask("image", "build", TINY)
    yield one
    one.stop()


@pytest.fixture
def owner(drover, keys, request):
    """Retired afterwards, and its pools drained: nothing is left of them."""
    one = Owner(drover, f"p-{abs(hash(request.node.name)) % 10**8}", keys, quota=1000)
    yield one
    if drover.process is None:
        drover.start()
    for pool in drover.ask("pool", "list"):
        drover.ask("pool", "drain", pool["image"], "--kind", pool["kind"])
    one.retire_all()
    wait_until(lambda: drover.ask("pool", "list") == [], "the pools are drained", 300)
    assert drover.findings() == []
    assert drover.domains() == []


def ask_for_one(owner, *more):
    """The name of the guest, and seconds from the client's start to its end."""
    begun = time.monotonic()
    answer = owner.drover.ask("request", "--owner", owner.name, "--count", 1, "--additional", *more)
    took = time.monotonic() - begun
    (name,) = answer["created"]
    return name, took


@pytest.mark.promise("POOL-1")
def test_a_request_is_served_at_once(drover, owner, full, figure):
    requests, size = (100, 10) if full else (4, 2)
    cold = [ask_for_one(owner)[1] for _ in range(3 if full else 1)]
    bare, introduced = bare_times(drover, owner, 50 if full else 10)
    drover.ask("pool", "set", TINY, "--parked", size)
    took = []
    while len(took) < requests:
        wait_until_full(drover)
        batch = [ask_for_one(owner) for _ in range(size)]
        took += [seconds for _, seconds in batch]
        for name, _ in batch:
            guest = drover.guest(name)
            assert (guest["started_by"], guest["phase"]) == ("adopt", "ready")
            assert owner.ssh(name, "hostname") == name
        drover.ask("retire", *(name for name, _ in batch), "--yes")
    p50, p99 = statistics.median(took), quantile(took, 0.99)
    figure("adopt, client command to READY: p50, p99", f"{p50 * 1000:.0f}, {p99 * 1000:.0f}", f"ms of {len(took)}")
    figure("a bare resume and round trip: median", statistics.median(bare) * 1000, "ms")
    figure("adopt against that", p50 / statistics.median(bare), "x")
    figure("a bare resume until READY under another identity: median", statistics.median(introduced) * 1000, "ms")
    figure("adopt against that (promised: at most 3)", p50 / statistics.median(introduced), "x")
    figure("cold start against adopt", statistics.median(cold) / p50, "x")
    if full:
        assert p50 <= 0.1 and p99 <= 0.3 and p50 <= 3 * statistics.median(introduced)


def bare_times(drover, owner, count):
    """Of a guest whose daemon is away, which hears of nothing: until its next word, and until it is somebody else."""
    name = owner.names()[0]
    domain = drover.guest(name)["domain"]
    introduction = owner.ssh(name, "cat /var/lib/drover/identity")
    others = [introduction.replace(f'"{name}"', f'"{other}"') + "\n" for other in ("one", "another")]
    drover.stop()
    guest = BareGuest(domain)
    times = [guest.resume_and_hear() for _ in range(count)]
    for other in others:  # an emulator is slow at what it runs for the first time
        guest.resume_and_introduce(other)
    introduced = [guest.resume_and_introduce(others[n % 2]) for n in range(count)]
    guest.channel.close()
    drover.start()
    wait_until(lambda: drover.guest(name)["phase"] == "ready", "it is back")
    wait_until(lambda: owner.ssh(name, "hostname") == name, "it has its own name again")
    return times, introduced


@pytest.mark.only_full
@pytest.mark.promise("POOL-1")
def test_a_request_for_debian_is_served_a_hundred_times_sooner(drover, owner, figure):
    drover.ask("image", "build", "debian")
    (name,) = owner.request(1, "--image", "debian")["created"]  # no template was ever made: it boots
    drover.ask("stop", name)
    cold = []
    for _ in range(3):
        begun = time.monotonic()
        drover.ask("start", name)
        cold.append(time.monotonic() - begun)
        drover.ask("stop", name)
    drover.ask("pool", "set", "debian", "--parked", 5)
    took = []
    while len(took) < 20:
        wait_until_full(drover, image="debian")
        batch = [ask_for_one(owner, "--image", "debian") for _ in range(5)]
        took += [seconds for _, seconds in batch]
        drover.ask("retire", *(name for name, _ in batch), "--yes", "--no-wait")
    p50, p99 = statistics.median(took), quantile(took, 0.99)
    figure("debian: adopt, client command to READY: p50, p99", f"{p50 * 1000:.0f}, {p99 * 1000:.0f}", "ms of 20")
    figure("debian: cold start against adopt (promised: at least 100)", statistics.median(cold) / p50, "x")
    assert statistics.median(cold) >= 100 * p50


@pytest.mark.promise("POOL-2")
def test_what_is_adopted_is_its_owners_alone(drover, owner, keys):
    drover.ask("pool", "set", TINY, "--parked", 1, "--stopped", 1)
    wait_until_full(drover)
    (member,) = members(drover)
    refused = drover.call("stop", member["name"])
    assert refused.code == 1 and "pool" in refused.json["items"][0]["reason"]
    assert drover.ask("stop", "--all")["items"] == [], "no verb means what is in a pool but by its name"
    assert drover.guests("--owner", owner.name) == []
    domain = member["domain"]
    names = [ask_for_one(owner)[0] for _ in range(2)]
    guests = {name: drover.guest(name) for name in names}
    assert guests[names[0]]["started_by"] == "adopt"
    assert guests[names[1]]["started_by"] != "adopt"
    assert guests[names[0]]["domain"] == domain
    assert [guests[name]["address"] for name in names][0] == member["address"]
    for name in names:
        assert owner.ssh(name, "hostname") == name
    xml = virsh("dumpxml", domain)
    assert f"<title>{names[0]}</title>" in xml and f'name="{names[0]}" owner="{owner.name}"' in xml
    assert_all_different([owner.ssh(name, "cat /etc/machine-id") for name in names])
    assert_all_different([guests[name]["host_key"]["fingerprint"] for name in names])
    # A used guest never goes back: it restarts and is rebuilt as any other.
    drover.ask("restart", names[0])
    assert drover.guest(names[0])["started_by"] == "cold"
    drover.ask("rebuild", names[0], "--yes")
    assert owner.ssh(names[0], "hostname") == names[0]


@pytest.mark.promise("POOL-3")
def test_refilling_slows_nobody(drover, owner, full, chance, figure):
    requests, size = (300, 30) if full else (9, 3)
    drover.ask("pool", "set", TINY, "--parked", size)
    alone, _ = in_turns(drover, owner, size, size, chance, refill="1/1h")
    beside, names = in_turns(drover, owner, size, requests, chance, refill="adaptive")
    for share in (0.5, 0.9, 1):
        figure(f"quantile {share}: without, beside the refill",
               f"{quantile(alone, share) * 1000:.0f}, {quantile(beside, share) * 1000:.0f}", "ms")
    assert_all_different(names)
    if full:
        assert quantile(beside, 0.5) <= 1.5 * quantile(alone, 0.5)
        assert quantile(beside, 0.9) <= 1.5 * quantile(alone, 0.9)


def in_turns(drover, owner, size, requests, chance, refill):
    """Five clients at random, each guest retired after use; how long the adoptions took, and all that was handed out."""
    took, handed_out = [], []
    lock = threading.Lock()
    configure(drover)
    restart(drover)
    wait_until_full(drover)
    configure(drover, f"waves: {{refill: '{refill}'}}\n")
    restart(drover)
    moments = [chance.uniform(0, 4) for _ in range(requests)]

    def client(mine):
        for moment in mine:
            time.sleep(moment)  # people come when they like
            wait_until(lambda: refill != "adaptive" or pool_of(drover)["parked"]["have"] > 0, "one stands ready", 300)
            name, seconds = ask_for_one(owner)
            guest = drover.guest(name)
            with lock:
                handed_out.extend([name, guest["address"], guest["id"], guest["mac"]])
                if guest["started_by"] == "adopt":
                    took.append(seconds)
            drover.ask("retire", name, "--yes", "--no-wait")

    with concurrent.futures.ThreadPoolExecutor(5) as clients:
        list(clients.map(client, [moments[n::5] for n in range(5)]))
    return took, handed_out


def restart(drover):
    drover.stop()
    drover.start()


@pytest.mark.promise("POOL-4")
def test_parked_guests_cost_no_processor(drover, owner, full, figure):
    size, seconds = (30, 60) if full else (2, 5)
    drover.ask("pool", "set", TINY, "--parked", size)
    wait_until_full(drover)
    processes = [int(line.split()[0]) for line in sh("ps", "-eo", "pid,args").splitlines()
                 if f"guest={drover.instance}-" in line]
    assert len(processes) == size
    before = cpu_seconds(processes)
    time.sleep(seconds)
    used = cpu_seconds(processes) - before
    figure(f"{size} parked guests use", 100 * used / seconds, "% of a core")
    assert used <= (0.001 if full else 0.01) * seconds


@pytest.mark.promise("POOL-5")
@pytest.mark.parametrize("kind", [pytest.param("vm", marks=pytest.mark.only_full), "container"])
def test_killed_while_pools_move(drover, owner, kind, full, chance, figure):
    kills, size = (20, 5) if full else (3, 2)
    libvirtd = Libvirtd()
    drover.ask("pool", "set", TINY, "--kind", kind, "--parked", size, "--stopped", 1)
    for number in range(kills):
        drover.ask("request", "--owner", owner.name, "--count", chance.randrange(1, 4), "--kind", kind, "--additional",
                   "--no-wait")
        time.sleep(chance.uniform(0, 3))  # any moment
        drover.kill()
        if number % 3 == 1:
            libvirtd.end()
            libvirtd.start()
            wait_until(lambda: "hypervisor" in virsh("version"), "libvirtd answers")
        drover.start()
        if number % 4 == 3:
            drover.ask("retire", "--owner", owner.name, "--yes", "--no-wait")
    wait_until(lambda: set(owner.phases().values()) <= {"ready"}, "all that was asked for is there", 600)
    wait_until_full(drover, kind)
    guests = drover.guests()
    for field in ("id", "address", "mac", "domain", "name"):
        assert_all_different([guest[field] for guest in guests])
    assert drover.domains() == sorted(guest["domain"] for guest in guests)
    assert drover.overlays() == sorted(str(guest["id"]) for guest in guests)
    assert drover.findings() == []
    assert list(pathlib.Path("/dev/shm").iterdir()) == []
    for guest in owner.guests():
        assert owner.ssh(guest["name"], "hostname") == guest["name"]
    figure("kills", kills, f"with {len(owner.names())} guests at the end")


@pytest.fixture
def deaf(drover):
    """A version of the image whose first process never says a word is what new guests get, for the time being."""
    own = pathlib.Path("/etc/drover/images") / TINY
    shutil.copytree(ROOT / "images" / TINY, own)
    command = ["g++", "-x", "c++", "-nostdlib", "-static", "-Os", "-s", "-o", own / "deaf", "-"]
    subprocess.run(command, input=DEAF, text=True, check=True)
    assemble = own / "assemble"
    instead = f'cp "{own}/deaf" "$root/usr/libexec/drover-guest"\npack_root'
    assemble.write_text(assemble.read_text().replace("pack_root", instead))
    good = next(row["version"] for row in drover.ask("image", "list") if row["current"])
    version = drover.ask("image", "build", TINY)["message"]
    shutil.rmtree(own)
    yield version, good
    drover.ask("image", "promote", TINY, good)


@pytest.mark.promise("POOL-6")
def test_outdated_members_are_made_anew_and_failures_open_the_breaker(drover, owner, deaf):
    version, good = deaf
    configure(drover, "")
    drover.config.write_text(drover.config.read_text().replace("ready: 60s", "ready: 2s"))
    restart(drover)
    drover.ask("pool", "set", TINY, "--kind", "container", "--parked", 2)
    wait_until_full(drover, "container")
    old = members(drover)
    assert {guest["version"] for guest in old} == {good}

    drover.ask("image", "promote", TINY, version)
    broken = wait_until(lambda: open_breaker(drover), "the breaker is open", 120)
    assert "not ready within 2s" in broken["trouble"]
    assert broken["parked"]["have"] == 0 and drover.guests("--owner", owner.name) == []
    assert "not ready within 2s" in drover.say("pool", "list").out
    (check,) = [check for check in drover.call("doctor").json if check["check"] == "pools"]
    assert check["level"] == "warn" and "not ready within 2s" in check["message"] and check["mend"]
    wait_until(lambda: "pool-breaker" in kinds_told(drover), "an event tells of the breaker")
    assert metrics(drover).sum("drover_pool_breaker_open", image=TINY, kind="container") == 1

    drover.ask("image", "promote", TINY, good)
    drover.ask("pool", "set", TINY, "--kind", "container")
    wait_until_full(drover, "container")
    assert {guest["version"] for guest in members(drover)} == {good}
    assert not {guest["id"] for guest in members(drover)} & {guest["id"] for guest in old}
    assert pool_of(drover, kind="container")["trouble"] is None
    configure(drover)
    restart(drover)


def open_breaker(drover):
    pool = pool_of(drover, kind="container")
    return pool if pool["retry_in"] is not None else None


@pytest.mark.promise("POOL-7")
def test_where_memory_is_short_parked_members_go(drover, owner):
    drover.ask("pool", "set", TINY, "--kind", "container", "--parked", 2, "--stopped", 1)
    wait_until_full(drover, "container")
    configure(drover, "waves: {refill: 'adaptive,free_memory=1TiB'}\n")
    restart(drover)
    wait_until(lambda: pool_of(drover, kind="container")["parked"]["have"] == 0, "parked members went", 60)
    assert len(members(drover, "stopped")) == 1
    assert "pool-memory" in kinds_told(drover)
    assert ask_for_one(owner, "--kind", "container")[0], "users are served all the same"
    configure(drover)
    restart(drover)
    wait_until_full(drover, "container")


@pytest.mark.promise("POOL-8")
def test_containers_are_parked_by_the_freezer(drover, owner, full, figure):
    size = 10 if full else 2
    drover.ask("pool", "set", TINY, "--kind", "container", "--parked", size)
    pool = wait_until_full(drover, "container")
    assert pool["made"] >= size
    domains = [guest["domain"] for guest in members(drover)]
    assert all("paused" in lxc("domstate", domain) for domain in domains)
    took = [ask_for_one(owner, "--kind", "container") for _ in range(size)]
    for name, _ in took:
        assert drover.guest(name)["started_by"] == "adopt"
        assert owner.ssh(name, "hostname") == name
    figure("a container, client command to READY: median", 1000 * statistics.median(t for _, t in took), "ms")
    wait_until_full(drover, "container")

    libvirtd = Libvirtd()
    libvirtd.end()
    libvirtd.start()
    wait_until(lambda: "hypervisor" in virsh("version"), "libvirtd answers")
    frozen = lambda: all("paused" in lxc("domstate", guest["domain"]) for guest in members(drover))
    wait_until(lambda: is_full(drover, "container") and frozen(), "they are frozen again", 120)
    name, _ = ask_for_one(owner, "--kind", "container")
    assert drover.guest(name)["started_by"] == "adopt"
    assert owner.ssh(name, "hostname") == name


@pytest.mark.promise("POOL-9")
def test_pools_are_said_and_seen(drover, owner):
    assert drover.say("pool", "list").out == "no pools\n"
    drover.refuse(2, "pool", "set", TINY)
    drover.refuse(3, "pool", "set", "none", "--parked", 1)
    drover.refuse(3, "pool", "drain", TINY)
    assert "Mon 8:00 60" in drover.refuse(2, "pool", "set", TINY, "--schedule", "Monday 8:00 60")["hint"]
    for words in (("--parked", "-1"), ("--parked", "1001"), ("--stopped", "x"), ("--demand", "101"), ("--kind", "x")):
        assert words[1] in drover.refuse(2, "pool", "set", TINY, *words)["message"]
    drover.ask("pool", "set", TINY, "--kind", "container", "--parked", 1, "--demand", 95)
    drover.ask("pool", "set", TINY, "--kind", "container", "--schedule", "daily 0:00 2")
    pool = wait_until_full(drover, "container")
    assert (pool["parked"], pool["fixed"]) == ({"have": 2, "target": 2}, 1)
    assert (pool["schedule"], pool["demand"]) == (["daily 0:00 2"], 95)
    table = drover.say("pool", "list").out
    assert "2/2" in table and "daily 0:00 2" in table and "95%" in table
    labels = {"image": TINY, "kind": "container", "profile": "basic"}
    seen = metrics(drover)
    assert seen.sum("drover_pool_members", state="parked", **labels) == 2
    assert seen.sum("drover_pool_target", state="parked", **labels) == 2
    assert seen.sum("drover_pool_made_total", **labels) == pool["made"]
    assert {"drover_pool_refill_per_minute", "drover_pool_taken_total"} <= seen.series()
    assert {"pool-set", "pool-full"} <= set(kinds_told(drover))
    drover.ask("pool", "set", TINY, "--kind", "container", "--schedule", "off", "--demand", "off")
    assert wait_until_full(drover, "container")["parked"]["target"] == 1
    drover.ask("pool", "drain", TINY, "--kind", "container")
    wait_until(lambda: drover.ask("pool", "list") == [], "it is drained")
    assert members(drover) == [] and json.loads(drover.call("pool", "list").out) == []
