"""Guests that never ran are forked from a template; what that gains, what forks must not share, and what goes wrong."""
import concurrent.futures
import contextlib
import json
import pathlib
import re
import shutil
import statistics
import tempfile
import time

import pytest
from bare_forks import loop_of_forks, one_by_one
from test_bad_days_libvirtd import Libvirtd
from drover import ROOT, TINY, Drover, Owner, assert_all_different, everywhere, sh, virsh, wait_until

DEBIAN = "debian"
OWN = pathlib.Path("/etc/drover/images")  # the lab's own


@pytest.fixture(scope="module")
def drover():
    one = Drover("fork", "accelerator: tcg\nquota: {default: 200}\n")
    one.start()
    one.ask("image", "build", TINY, "--template")
    yield one
    if one.process is None:
        one.start()
    one.stop()


@pytest.fixture
def owner(request, drover, keys):
    name = request.node.name.removeprefix("test_").split("[")[0].replace("_", "-")[:20].strip("-")
    one = Owner(drover, name, keys, quota=200)
    yield one
    if drover.process is None:
        drover.start()
    one.retire_all()


@pytest.fixture
def public():
    """A folder that the user sees into whom QEMU runs as."""
    with tempfile.TemporaryDirectory(prefix="drover-bare-") as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        yield path


def events(drover, *kinds):
    found = [json.loads(line) for line in drover.call("events").out.splitlines()]
    return [event["message"] for event in found if event["kind"] in kinds]


def templates(drover, image):
    return [one for row in drover.ask("image", "list") if row["image"] == image for one in row["templates"]]


def folders(drover):
    return sorted((drover.state / "templates").iterdir())


def process_of(domain):
    return int(pathlib.Path(f"/run/libvirt/qemu/{domain}.pid").read_text())


def memory_of(domain):
    """MiB of the guest's own: its proportional share."""
    rollup = pathlib.Path(f"/proc/{process_of(domain)}/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))) / 1024


def processor_time(domain):
    fields = pathlib.Path(f"/proc/{process_of(domain)}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def pace_of(drover, name, way):
    """Seconds from the step to READY, and seconds of a processor until now."""
    guest = drover.guest(name)
    assert guest["started_by"] == way, events(drover, "fork-failed", "template-failed")
    parts = guest["timings"]
    return parts["start"] + parts["hello"] + parts["ready"], processor_time(guest["domain"])


def medians(drover, names, paces):
    """Of these guests, which all run: the paces of each when it was ready, and what memory each has."""
    memory = [memory_of(drover.guest(name)["domain"]) for name in names]
    return [statistics.median(column) for column in (*zip(*paces), memory)]


def fork_and_cold(drover, owner, image, count):
    """The medians of as many forks, one after the other, and of cold boots of the same guests."""
    names, paces = [], []
    for _ in range(count):
        names += owner.request(1, "--image", image, "--additional")["created"]
        paces.append(pace_of(drover, names[-1], "fork"))
    forks = medians(drover, names, paces)
    paces = []
    for name in names:
        drover.ask("restart", name)
        paces.append(pace_of(drover, name, "cold"))
    return forks, medians(drover, names, paces)


@pytest.mark.promise("FORK-1")
def test_a_fork_costs_a_part_of_a_cold_boot(drover, owner, full, figure):
    for image, least in ((TINY, (4, 1, 1)), (DEBIAN, (25, 20, 4))) if full else ((TINY, (4, 1, 1)),):
        drover.ask("image", "build", image, "--template")
        fork, cold = fork_and_cold(drover, owner, image, 5 if full else 2)
        ratios = [was / is_now for was, is_now in zip(cold, fork)]
        for what, a, b, ratio in zip(("s to READY", "s of a processor", "MiB"), cold, fork, ratios):
            figure(f"{image}, cold / fork", f"{a:.2f} / {b:.2f} {what} = {ratio:.1f}", "")
        assert not full or all(ratio >= bound for ratio, bound in zip(ratios, least)), (image, ratios)


UNIQUE = """\
head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \\n'; echo
cat /proc/sys/kernel/random/uuid
cat /etc/machine-id
cat /sys/class/net/eth0/address 2>/dev/null || cat /sys/class/net/e*/address
cat /proc/sys/kernel/random/boot_id
date +%s.%N | sed 's/[.]%N//'
"""


@pytest.mark.promise("FORK-6")
def test_a_fork_cut_off_as_soon_as_it_is_ready_is_the_same_guest_afterwards(drover, owner):
    drover.ask("image", "build", TINY, "--template")
    [name] = owner.request(1, "--image", TINY)["created"]
    before = drover.guest(name)
    assert before["started_by"] == "fork", events(drover, "fork-failed")
    virsh("destroy", before["domain"])

    wait_until(lambda: (drover.guest(name)["started_by"], drover.guest(name)["phase"]) == ("cold", "ready"), "ready")
    assert drover.guest(name)["host_key"] == before["host_key"], "who trusts it would be warned of an attack"
    assert owner.ssh(name, "cat /etc/hostname /etc/machine-id").split()[0] == name


@pytest.mark.promise("FORK-2")
@pytest.mark.promise("FORK-3")
def test_forks_of_one_request_are_ready_and_share_nothing_that_they_must_not(drover, owner, full, figure):
    image, count = (DEBIAN, 100) if full else (TINY, 4)
    drover.ask("image", "build", image, "--template")
    began = time.monotonic()
    names = owner.request(count, "--image", image, "--timeout", "0")["created"]
    figure(f"{count} forks of {image} ready after", time.monotonic() - began, "s")
    shown = everywhere(drover.guest, names)
    assert {guest["started_by"] for guest in shown} == {"fork"}, events(drover, "fork-failed")

    def told(name):
        before = time.time()
        *same, clock = owner.ssh(name, UNIQUE).splitlines()
        return same, max(before - float(clock), float(clock) - time.time(), 0)

    answers = everywhere(told, names)
    assert_all_different([value for values, _ in answers for value in values])
    figure("the clock that is off the most", max(off for _, off in answers), "s")
    assert max(off for _, off in answers) <= (1 if full else 2), "clocks"  # tiny tells whole seconds
    for field in ("address", "mac"):
        assert_all_different([guest[field] for guest in shown])
    assert_all_different([guest["host_key"]["fingerprint"] for guest in shown])
    macs = [values[3] for values, _ in answers]
    assert macs == [guest["mac"] for guest in shown]


@pytest.mark.promise("FORK-2")
def test_forks_of_one_request_against_doing_it_by_hand(drover, owner, full, figure, public):
    image, count, sample = (DEBIAN, 100, 5) if full else (TINY, 6, 2)
    drover.ask("image", "build", image, "--template")
    began = time.monotonic()
    names = owner.request(count, "--image", image, "--timeout", "0")["created"]
    took = time.monotonic() - began
    guest = drover.guest(names[0])
    text = virsh("dumpxml", guest["domain"])
    template = pathlib.Path(re.search(r'"mem-path": ?"(.*?)"', text.replace("&quot;", '"')).group(1)).parent
    base = pathlib.Path(re.search(r"<source file='([^']*base.raw)'", text).group(1))
    fresh = base.with_name("overlay.qcow2")
    everywhere(lambda name: drover.ask("retire", name, "--yes", "--purge"), names[1:])  # the figures are of the same host
    bare = loop_of_forks(guest, template, fresh, public, count)
    by_hand = count * one_by_one(guest, base, public, sample)
    figure(f"{count} of {image}: requested; a bare loop of forks", f"{took:.1f}, {bare:.1f}", "s")
    figure("against the loop (promised: at most 2.5)", f"{took / bare:.2f}", "")
    figure(f"against booting one by one ({sample}, scaled; promised: at least 20)", f"{by_hand / took:.1f}", "")
    assert not full or (took <= 2.5 * bare and by_hand >= 20 * took)


@contextlib.contextmanager
def image_like_tiny(name, change):
    """A recipe of the lab's own: tiny under another name, changed."""
    folder = OWN / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "images/tiny", folder)
    image = folder / "image.yaml"
    image.write_text(image.read_text().replace("name: tiny", f"name: {name}"))
    change(folder)
    yield
    shutil.rmtree(folder)


@pytest.mark.promise("FORK-4")
def test_whatever_is_wrong_with_a_template_guests_are_ready_the_slower_way(drover, owner):
    (folder,) = folders(drover)
    manifest = folder / "manifest.json"

    # What it was made with is not what there is now: it is thrown away and made anew.
    drover.stop()
    text = json.loads(manifest.read_text())
    text["needs"]["qemu"] = "5.2.0"
    manifest.write_text(json.dumps(text))
    drover.start()
    (first,) = owner.request(1)["created"]
    assert drover.guest(first)["phase"] == "ready"
    wait_until(lambda: len(events(drover, "template-made")) == 2, "it is made anew")
    assert any("something else than its manifest says" in text for text in events(drover, "template-dropped"))

    # Its memory is not what was written.
    drover.stop()
    with (folder / "memory").open("r+b") as memory:
        memory.seek(1 << 20)
        memory.write(b"not what was there")
    drover.start()
    owner.request(2)
    wait_until(lambda: len(events(drover, "template-made")) == 3, "it is made anew")
    assert any("memory is not what was made" in text for text in events(drover, "template-dropped"))

    # A file is gone while the daemon runs: the fork fails, its guest boots.
    (folder / "state").rename(drover.state / "state-away")
    (third,) = owner.request(1, "--additional")["created"]
    shown = drover.guest(third)
    assert (shown["phase"], shown["started_by"]) == ("ready", "cold")
    assert any("state" in text and "boots cold" in text for text in events(drover, "fork-failed"))
    (drover.state / "state-away").rename(folder / "state")
    (fourth,) = owner.request(1, "--additional")["created"]
    assert drover.guest(fourth)["started_by"] == "fork"


@pytest.mark.promise("FORK-4")
def test_without_room_for_a_template_guests_boot_and_it_is_said(keys):
    state = pathlib.Path("/var/lib/drover-noroom")
    state.mkdir()
    sh("mount", "-t", "tmpfs", "-o", "size=1g", "none", state)
    one = Drover("noroom", "accelerator: tcg\n")
    try:
        one.start()
        one.ask("image", "build", TINY)
        space = shutil.disk_usage(state)
        sh("fallocate", "-l", str(space.free - (120 << 20)), state / "of-somebody-else")
        owner = Owner(one, "cramped", keys, quota=4)
        owner.request(4)
        assert {guest["started_by"] for guest in owner.guests()} == {"cold"}
        assert any("MiB left" in text for text in events(one, "template-failed"))
        (row,) = templates(one, TINY)
        assert row["state"] == "failed" and "MiB left" in row["reason"]
        (check,) = [check for check in one.call("doctor").json if check["check"] == "templates"]
        assert check["level"] == "warn" and "MiB left" in check["message"]
        owner.retire_all()
        one.stop()
    finally:
        if one.process:
            one.kill()
        sh("umount", "-l", state)


@pytest.mark.promise("FORK-4")
def test_a_template_that_hangs_is_given_up(keys):
    def hang(folder):
        image = folder / "image.yaml"
        image.write_text(image.read_text().replace("kernel_parameters:", "kernel_parameters: init=/hang rdinit=/hang"))

    one = Drover("hang", "accelerator: tcg\ntimeouts: {ready: 6s}\nretry: {attempts: 1}\n")
    with image_like_tiny("hanging", hang):
        one.start()
        one.ask("image", "build", "hanging")
        error = one.refuse(1, "image", "build", "hanging", "--template")
        assert "no template" in error["message"], error
        assert templates(one, "hanging")[0]["state"] == "failed"
        assert one.findings() == [] and folders(one) == []
        one.stop()


@pytest.mark.promise("FORK-4")
def test_an_image_whose_forks_cannot_be_renewed_is_not_forked(drover, owner):
    def refuse(folder):
        conf = folder / "root/etc/drover/guest.conf"
        conf.write_text(conf.read_text() + "renew /bin/false\n")

    with image_like_tiny("stale", refuse):
        drover.ask("image", "build", "stale")
        error = drover.refuse(1, "image", "build", "stale", "--template")
        assert "cannot be renewed" in error["message"], error
        (name,) = owner.request(1, "--image", "stale")["created"]
        shown = drover.guest(name)
        assert (shown["phase"], shown["started_by"]) == ("ready", "cold")
        assert any("cannot be renewed" in text for text in events(drover, "template-failed"))


@pytest.mark.promise("FORK-5")
def test_libvirtd_dies_while_it_forks(drover, owner, full, chance):
    libvirtd = Libvirtd()
    for _ in range(10 if full else 2):
        asked = owner.request(20 if full else 4, "--additional", "--no-wait")["operation"]
        time.sleep(chance.uniform(0.05, 1.0))
        libvirtd.end()
        libvirtd.start()
        wait_until(lambda: drover.ask("operations", asked)[0]["finished"], "all are where they should be", 300)
        assert drover.ask("operations", asked)[0]["outcome"] == "done"
    owner.wait_for("ready", len(owner.guests()))
    assert drover.findings() == []


@pytest.mark.promise("FORK-5")
def test_killed_while_it_forks_nothing_leaks(drover, owner, full, chance):
    shm = sorted(pathlib.Path("/dev/shm").iterdir())
    count, rounds = (20, 20) if full else (4, 2)
    for n in range(rounds):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(drover.call, "request", "--owner", owner.name, "--count", count, "--additional")
            time.sleep(chance.uniform(0.05, 1.5))
            drover.kill()
            asked.result()
        drover.start()
        guests = len(owner.guests())
        owner.wait_for("ready", guests)
        assert drover.findings() == []
        if guests:
            drover.ask("retire", "--owner", owner.name, "--yes")
    assert [path.name for path in folders(drover)] == [path.name for path in folders(drover) if path.suffix != ".part"]
    assert not any("template" in name or "trial" in name for name in drover.domains())
    assert sorted(pathlib.Path("/dev/shm").iterdir()) == shm
    used = {path.name for path in drover.state.iterdir()}
    assert used <= {"consoles", "copies", "lock", "lost", "names", "overlays", "prototypes", "registry.db", "registry.db-shm",
                    "registry.db-wal", "reservations", "reserve", "roots", "templates", "tmp", "registry.reserve"}, used
