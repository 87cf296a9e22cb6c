"""fsck finds every fault that is planted, nothing where nothing is wrong, and mends with care: TRUST-18, TRUST-19."""
import concurrent.futures
import itertools
import random

import guest_faults
import network_faults
import pytest
from drover import sh, wait_until
from planted import Fault, Herd
from worlds import QEMU, TEST_DRIVER, built_state, keep_test_driver_alive

FINDS, MENDS = pytest.mark.promise("TRUST-18"), pytest.mark.promise("TRUST-19")
KINDS = {**guest_faults.KINDS, **network_faults.KINDS}
GUESTS = 20
# Names last: a daemon that was out of touch with a busy libvirtd sets them right itself when it is back.
ON_QEMU = ["orphan-domain", "orphan-overlay", "missing-overlay", "missing-domain", "foreign-state", "stale-dns"]
instances = itertools.count(1)


@pytest.fixture(scope="module")
def seed():
    return built_state()


@pytest.fixture(scope="module")
def test_driver():
    keeper = keep_test_driver_alive()
    yield
    keeper.terminate()
    keeper.wait()


def start(world, seed, guests):
    """A daemon with names in /etc/hosts too, and guests of which a third is stopped."""
    number = next(instances)
    drover = world.daemon(f"look{number}", number, seed)
    drover.config.write_text(drover.config.read_text().replace("host_names: none", "host_names: hosts"))
    drover.start()
    drover.ask("owner", "set", "alice", "--quota", 10 * guests)
    drover.ask("request", "--owner", "alice", "--count", guests)
    drover.ask("stop", *[f"alice-{n}" for n in range(1, guests // 3 + 2)])
    return drover


@pytest.fixture
def herd(seed, test_driver, chance):
    drover = start(TEST_DRIVER, seed, GUESTS)
    yield Herd(drover, TEST_DRIVER.uri, chance)
    if drover.process:
        drover.stop()
    TEST_DRIVER.remove(drover)


def told(findings):
    return sorted((finding["kind"], finding["object"], finding["guest"] or "") for finding in findings)


def due(faults):
    return sorted((fault.kind, fault.object, fault.guest or "") for fault in faults)


def look(drover, *more):
    """What fsck finds; its exit code says whether that is anything."""
    answer = drover.call("fsck", *more)
    assert answer.code == (1 if answer.json else 0), answer.err
    return answer.json


def assert_advised(findings, faults):
    """It says what --repair would do where that does something, and else what a person can."""
    mendable = {(fault.kind, fault.object) for fault in faults if fault.mends}
    for finding in findings:
        assert bool(finding["repair"]) == ((finding["kind"], finding["object"]) in mendable), finding
        assert finding["detail"], finding


def assert_mended(herd, faults, before):
    """What was mended is gone from its place, overlays lie in lost/, and nothing else changed at all."""
    mended = {fault.mends for fault in faults if fault.mends}
    after = herd.snapshot()
    assert {name for name in before if after.get(name) != before[name]} == mended
    assert set(after) <= set(before)
    moved = [before[name] for name in mended if name[0] == "file"]
    assert sorted(map(repr, herd.files("lost").values())) == sorted(map(repr, moved))


@FINDS
@MENDS
@pytest.mark.parametrize("kind", KINDS)
def test_planted_faults_are_found_and_mended_with_care(herd, kind, chance, full, figure):
    drover = herd.drover
    assert look(drover) == []
    sorts = KINDS[kind] if full else chance.sample(KINDS[kind], 2)
    faults = [fault for plant in sorts for fault in plant(herd)]
    figure("faults planted and found", len(faults), ", ".join(sort.__name__ for sort in sorts))
    before = herd.snapshot()

    findings = look(drover)
    assert told(findings) == due(faults)
    assert_advised(findings, faults)
    assert herd.snapshot() == before, "a look changed something"

    assert told(look(drover, "--repair")) == due(faults)
    assert_mended(herd, faults, before)
    assert told(look(drover)) == due(fault for fault in faults if not fault.mends)


@FINDS
def test_all_kinds_at_once_are_told_apart(herd, chance):
    order = sorted(KINDS, key=lambda kind: kind != "doubled-address")  # which starts the daemon anew; that mends DNS
    faults = [fault for kind in order for fault in chance.choice(KINDS[kind][:3])(herd)]
    assert told(look(herd.drover)) == due(faults)


ROOT_FAULTS = {
    "removed": lambda file: None,
    "emptied": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.with_suffix(".aside").read_bytes()[:-1]),
    "a folder": lambda file: file.mkdir(),
    "a dead link": lambda file: file.symlink_to("nowhere"),
}


@FINDS
def test_roots_that_are_not_whole_are_missing_for_each_guest_that_needs_them(herd, chance, full):
    (folder,) = [path for path in (herd.drover.state / "roots" / "tiny").iterdir() if path.is_dir()]
    expected = [Fault("missing-root", str(folder), guest["name"]) for guest in herd.guests]
    for damage in list(ROOT_FAULTS.values()) if full else chance.sample(list(ROOT_FAULTS.values()), 2):
        file = folder / chance.choice(["initrd", "manifest.json", "root.squashfs", "vmlinuz"])
        aside = file.rename(file.with_suffix(".aside"))
        damage(file)
        findings = look(herd.drover, "--repair")
        assert told(findings) == due(expected)
        assert_advised(findings, expected)
        if file.is_dir():
            file.rmdir()
        aside.replace(file)
    assert look(herd.drover) == []


@FINDS
def test_a_network_that_is_off_or_gone_is_missing_and_a_restart_brings_it_back(herd):
    missing = due([Fault("missing-network", herd.network())])
    for verbs in (("net-destroy",), ("net-destroy", "net-undefine")):
        for verb in verbs:
            herd.virsh(verb, herd.network())
        assert told(look(herd.drover, "--repair")) == missing
        herd.drover.stop()
        herd.drover.start()
        wait_until(lambda: look(herd.drover) == [], "the network is there again")


def churn(drover, chance, is_over):
    """Does something to some guest until it is over; counts what was done."""
    done = 0
    while not is_over():
        guest = f"alice-{chance.randint(1, GUESTS)}"
        verb = chance.choice(["stop", "start", "restart", "rebuild", "retire", "request"])
        more = ["--owner", "alice", "--count", GUESTS] if verb == "request" else [guest]
        answer = drover.call(verb, *more, *(["--yes"] if verb in ("rebuild", "retire") else []))
        assert answer.code in (0, 1, 3, 4), (verb, guest, answer.code, answer.err)
        done += answer.code == 0
    return done


@FINDS
def test_nothing_is_found_while_guests_come_and_go(herd, chance, full, figure):
    looks = 40 if full else 10
    over = []
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        users = [
            pool.submit(churn, herd.drover, random.Random(chance.random()), lambda: bool(over)) for _ in range(4)
        ]
        try:
            found = [look(herd.drover) for _ in range(looks)]
        finally:
            over.append(True)
    figure("verbs done during the looks", sum(user.result() for user in users), f"{looks} looks")
    assert found == [[]] * looks
    assert look(herd.drover) == []


@FINDS
@MENDS
def test_faults_on_real_qemu_are_found(seed, chance):
    """What the test driver only plays: bridges, definitions on disk, dnsmasq, QEMU processes."""
    drover = start(QEMU, seed, 3)
    drover.ask("stop", "--all")  # a guest that runs writes to its overlay
    herd = Herd(drover, QEMU.uri, chance)
    try:
        assert look(drover) == []
        plants = [KINDS[kind][0] for kind in ON_QEMU]
        faults = [fault for plant in plants for fault in plant(herd)]
        before = herd.snapshot()
        assert told(look(drover, "--repair")) == due(faults), drover.log_tail()
        assert_mended(herd, faults, before)
        assert told(look(drover)) == due(fault for fault in faults if not fault.mends)

        drover.ask("retire", "--all", "--yes")
        rest = look(drover)
        # The daemon looks every 30 s, too, and makes its network again. Right after that there is time for ours.
        herd.remove_network()
        wait_until(lambda: herd.network() in herd.virsh("net-list", "--name").split(), "its network is back", 90)
        herd.remove_network()
        bridge = f"{drover.instance}-br"
        sh("ip", "link", "add", bridge, "type", "bridge")
        left = [Fault("orphan-network", bridge), Fault("missing-network", herd.network())]
        assert told(look(drover)) == sorted(told(rest) + due(left))
    finally:
        drover.stop()
        QEMU.remove(drover)
