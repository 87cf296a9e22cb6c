"""Watching over guests: who falls silent, over or asleep is healed by the documented rung, so many times, unless too many are at once."""
import json
import os
import shutil
import signal
import time

import boxes
import pytest
from drover import ROOT, TINY, Drover, Owner, everywhere, sh, wait_until
from usage import Usage

QUICK = (
    "health: {interval: 1s, unresponsive: 12s, tries: 3, disk: 60}\n"
    "timeouts: {stop: 5s}\nretry: {backoff: 100ms}\nnetwork: {host_names: hosts}\n"
)


PROFILES = ROOT / "overlays"  # the lab's own view of it gets one more
PROBES = "probes:\n  - {tcp: 80, interval: 1s}\n  - {http: /, interval: 1s}\n  - {http: /nothing, interval: 1s, restart: web}\n"


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """The profile `probed`: as basic, and asked for a page that there is not."""
    folder = tmp_path_factory.mktemp("profiles")
    shutil.copytree(PROFILES, folder, dirs_exist_ok=True)
    (folder / "probed").mkdir()
    (folder / "probed/overlay.yaml").write_text((PROFILES / "basic/overlay.yaml").read_text() + PROBES)
    sh("mount", "--bind", folder, PROFILES)
    yield
    sh("umount", PROFILES)


@pytest.fixture(scope="module")
def watched(probed):
    """A daemon that is quick to judge."""
    drover = Drover("health", QUICK)
    drover.start()
    drover.ask("image", "build", TINY)
    yield drover
    if drover.process:
        drover.stop()


@pytest.fixture
def drover(watched):
    """In the place of the daemon that all tests share."""
    if watched.process is None:
        watched.start()
    drover = watched
    if drover.ask("health")["ladder"] == "paused":
        drover.ask("health", "resume")
    return drover


def events(drover, *more):
    return [json.loads(line) for line in drover.call("events", *more).out.splitlines()]


class Story:
    """What happens to one guest from now on."""

    def __init__(self, drover, name):
        self.drover, self.name = drover, name
        self.since = max((event["id"] for event in events(drover)), default=0)

    def told(self, kind="health"):
        return [e["message"] for e in events(self.drover, "--since", self.since)
                if e["guest"] == self.name and e["kind"] == kind]

    def wait_for(self, words, kind="health", timeout=240):
        return wait_until(lambda: [said for said in self.told(kind) if words in said], f"{words!r} is told of {self.name}", timeout)[0]


def state_of(drover, name):
    return next(each for each in drover.ask("health", name)["guests"] if each["guest"] == name)


def run_aside(owner, name, script):
    """In the guest, after the login has ended."""
    owner.ssh(name, f"sh -c 'sleep 1; {script}' >/dev/null 2>&1 </dev/null &")


def pid_of(domain):
    pids = sh("pgrep", "--runstates", "D,R,S,T", "-f", f"guest={domain},", check=False).split()
    return int(pids[0]) if pids else None


def one(owner, *more):
    owner.request(1, *more)
    name = owner.names()[0]
    return name, owner.drover.guest(name)["domain"]


# ---- what is healed, by which rung


@pytest.mark.promise("HEALTH-1")
def test_a_container_that_answers_garbage_is_stopped_and_started_again(drover, owner, figure):
    name, domain = one(owner, "--kind", "container")
    story, boot = Story(drover, name), owner.boot_id(name)
    began = time.monotonic()
    owner.ssh(name, "tty=$(cat /run/drover/channel); (kill -STOP $(pidof drover-guest); while :; do echo garbage; echo READY x; "
              "sleep 0.2; done) >$tty 2>/dev/null </dev/null &")
    assert "try 1 of 3" in story.wait_for("said nothing for")
    story.wait_for("does not go at STOP: its power button is pressed")
    story.wait_for("is ready again after")
    figure("garbage until ready again", time.monotonic() - began, "s")
    assert owner.guests()[0]["phase"] == "ready" and owner.guests()[0]["fault"] is None
    wait_until(lambda: state_of(drover, name)["state"] == "well", "it is well")
    assert state_of(drover, name)["tries"] == 1
    assert domain in drover.domains() and boot


@pytest.mark.promise("HEALTH-1")
def test_a_vm_whose_channel_a_program_takes_over_is_healed(drover, owner):
    name, _ = one(owner)
    story, boot = Story(drover, name), owner.boot_id(name)
    owner.ssh(name, "printf '#!/bin/sh\\nexec 3<>$(ls /dev/vport*)\\nwhile :; do echo HELLO you >&3; sleep 1; done\\n' "
              ">/root/evil; chmod 755 /root/evil; mount --bind /root/evil /usr/libexec/drover-guest")
    run_aside(owner, name, "kill -9 $(pidof drover-guest)")
    story.wait_for("said nothing for")
    story.wait_for("is ready again after")
    assert owner.boot_id(name) not in ("", boot)


@pytest.mark.promise("HEALTH-1")
def test_a_kernel_that_panicked_and_hangs_is_forced_off_and_started(drover, owner, figure):
    name, _ = one(owner)
    story, boot = Story(drover, name), owner.boot_id(name)
    run_aside(owner, name, "echo 1 >/proc/sys/kernel/sysrq; echo 0 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger")
    began = time.monotonic()
    story.wait_for("said nothing for")
    story.wait_for("does not go at its power button: it is forced off")
    story.wait_for("is ready again after")
    figure("panic until ready again", time.monotonic() - began, "s")
    assert owner.boot_id(name) not in ("", boot)


@pytest.mark.promise("HEALTH-1")
def test_a_kernel_that_panics_and_restarts_needs_no_silence(drover, owner):
    name, _ = one(owner)
    boot = owner.boot_id(name)
    run_aside(owner, name, "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger")
    wait_until(lambda: owner.boot_id(name) not in ("", boot), "it is another boot", 180)
    owner.wait_for("ready", 1)


@pytest.mark.promise("HEALTH-1")
def test_a_qemu_that_was_killed_is_started_again(drover, owner, figure):
    name, domain = one(owner)
    story, boot = Story(drover, name), owner.boot_id(name)
    began = time.monotonic()
    os.kill(pid_of(domain), signal.SIGKILL)
    assert "it is started again, try 1 of 3" in story.wait_for("is off though nobody asked for it")
    story.wait_for("is ready again after")
    figure("killed until ready again", time.monotonic() - began, "s")
    assert owner.boot_id(name) not in ("", boot)


@pytest.mark.promise("HEALTH-1")
def test_who_was_suspended_goes_on_and_has_no_try_less(drover, owner):
    owner.request(1)
    owner.request(1, "--kind", "container")
    for guest in owner.guests():
        story, boot = Story(drover, guest["name"]), owner.boot_id(guest["name"])
        sh("virsh", "-q", "-c", "qemu:///system" if guest["kind"] == "vm" else "lxc:///", "suspend", guest["domain"])
        story.wait_for("was paused: it goes on")
        assert owner.boot_id(guest["name"]) == boot
        assert state_of(drover, guest["name"])["tries"] == 0
    assert set(owner.phases().values()) == {"ready"}


def service(drover, guest, name):
    return next(row for row in drover.ask("service", guest) if row["service"] == name)


@pytest.mark.promise("HEALTH-9")
@pytest.mark.parametrize("kind", ["vm", "container"])
def test_a_service_killed_in_the_guest_is_back_within_its_interval(drover, owner, kind, figure):
    name, _ = one(owner, "--kind", kind)
    wait_until(lambda: service(drover, name, "web")["state"] == "up", "web is up")
    story = Story(drover, name)
    owner.ssh(name, "kill -9 $(pidof httpd)")
    began = time.monotonic()
    assert "restarted, try 1 of 3" in story.wait_for("service web is failed, and wanted up")
    story.wait_for("service web is up again after")
    figure("killed until up again (interval 1 s)", time.monotonic() - began, "s")
    assert owner.ssh(name, "pidof httpd") and service(drover, name, "web")["state"] == "up"
    assert state_of(drover, name)["tries"] == 0, "that is no try of the guest's"
    assert any(each["who"] == "droverd" and each["verb"] == "service-restart" for each in drover.ask("operations"))


@pytest.mark.promise("HEALTH-9")
def test_a_service_that_does_not_come_up_is_left_after_its_tries(drover, owner):
    name, _ = one(owner, "--kind", "container")
    wait_until(lambda: service(drover, name, "web")["state"] == "up", "web is up")
    story = Story(drover, name)
    owner.ssh(name, "kill -9 $(cat /run/web.pid); until httpd -p 80 -h /tmp 2>/dev/null; do :; done")  # somebody else has the port
    story.wait_for("it was restarted 3 times within 8h: it is left so")
    told = story.told()
    assert len([said for said in told if "it is restarted, try" in said]) == 3
    assert owner.guests()[0]["fault"] is None and owner.guests()[0]["phase"] == "ready"


@pytest.mark.promise("HEALTH-9")
def test_a_service_that_is_disabled_stays_down(drover, owner):
    name, _ = one(owner, "--kind", "container")
    wait_until(lambda: service(drover, name, "web")["state"] == "up", "web is up")
    story = Story(drover, name)
    drover.ask("service", name, "disable", "web")
    wait_until(lambda: service(drover, name, "web")["state"] == "down", "web is down")
    heard = [drover.ask("health", "explain", name)["heard"]]
    wait_until(lambda: len(heard) > 5 or heard.append(drover.ask("health", "explain", name)["heard"]), "it was looked at")
    assert service(drover, name, "web")["state"] == "down" and story.told() == []


@pytest.mark.promise("HEALTH-8")
@pytest.mark.parametrize("kind", ["vm", "container"])
def test_a_probe_that_fails_is_told_and_its_service_restarted(drover, owner, kind):
    since = Story(drover, "?").since
    name, _ = one(owner, "--kind", kind, "--profile", "probed")
    story = Story(drover, name)
    story.since = since
    story.wait_for("the probe http 80 /nothing failed 3 times: the answer is 404")
    story.wait_for("the probe http 80 /nothing failed: the answer is 404; it is restarted, try 1 of 3")
    assert not [said for said in story.told() if "tcp 80" in said or "probe http 80 / " in said]
    assert owner.guests()[0]["phase"] == "ready"


# ---- limits


@pytest.mark.promise("HEALTH-2")
def test_tries_end_in_a_fault_and_outlive_the_daemon(drover, owner):
    name, domain = one(owner)
    story = Story(drover, name)
    for number in (1, 2, 3):
        os.kill(wait_until(lambda: pid_of(domain), "it runs"), signal.SIGKILL)
        story.wait_for(f"try {number} of 3")
        wait_until(lambda: len([said for said in story.told() if "is ready again" in said]) == number, "it is ready again", 240)
        if number == 2:
            drover.kill()
            drover.start()
            wait_until(lambda: state_of(drover, name)["state"] == "well", "the new daemon heard it")
    os.kill(pid_of(domain), signal.SIGKILL)
    assert "it was healed 3 times within 8h" in story.wait_for("nobody asked", "fault")
    assert drover.guest(name)["fault"]["kind"] == "health"
    assert state_of(drover, name)["state"] == "faulted"
    assert drover.ask("start", name)["outcome"] == "done"
    wait_until(lambda: state_of(drover, name)["state"] == "well", "it is well")
    assert state_of(drover, name)["tries"] == 0


# ---- when nothing is done


@pytest.mark.promise("HEALTH-3")
def test_a_frozen_half_of_the_herd_is_left_alone(drover, keys, full):
    count = 100 if full else 8
    owner = Owner(drover, "half", keys, quota=count)
    owner.request(count, "--kind", "container", "--timeout", "0")
    guests = owner.guests()
    pids = [pid for guest in guests[: count // 2] for pid in boxes.processes(guest["domain"])]
    boots = everywhere(lambda guest: boxes.controller(guest["domain"]), guests)
    story = Story(drover, None)
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        assert "% " in story.wait_for("the ladder is suspended:") + " "
        whole = wait_until(lambda: (seen := drover.ask("health"))["silent"] >= count // 2 and seen, "all are seen silent")
        assert whole["ladder"] == "suspended" and whole["watched"] == count
        silent = guests[0]["name"]
        wait_until(lambda: state_of(drover, silent)["silence"] > 15, "it would be acted on", 120)  # health.unresponsive is 12 s
        explained = drover.ask("health", "explain", silent)
        assert "nothing while the ladder is suspended" in explained["next"]
        assert any("nothing is done" in each["text"] for each in explained["decisions"])
        doctor = {each["check"]: each for each in drover.call("doctor").json}["health"]
        assert doctor["level"] == "warn" and "suspended" in doctor["message"]
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    story.wait_for("not suspended any more")
    wait_until(lambda: {each["state"] for each in drover.ask("health")["guests"]} == {"well"}, "all are well again")
    assert everywhere(lambda guest: boxes.controller(guest["domain"]), guests) == boots, "nobody was restarted"
    assert {each["tries"] for each in drover.ask("health")["guests"]} == {0}
    owner.retire_all()


@pytest.mark.promise("HEALTH-4")
def test_a_pause_holds_over_restarts_and_says_why(drover, owner):
    name, domain = one(owner, "--kind", "container")
    paused = drover.ask("health", "pause", "--for", "1h", "--reason", "the switch")
    assert (paused["ladder"], paused["reason"]) == ("paused", "the switch")
    controller, pids = boxes.controller(domain), boxes.processes(domain)
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        drover.kill()
        drover.start()
        assert drover.ask("health")["ladder"] == "paused"
        wait_until(lambda: (state_of(drover, name)["silence"] or 0) > 15, "it would be acted on", 120)
        assert boxes.controller(domain) == controller
        assert "paused: the switch" in drover.ask("health", "explain", name)["next"]
        assert "paused" in {each["check"]: each for each in drover.call("doctor").json}["health"]["message"]
        story = Story(drover, name)
        drover.ask("health", "resume")
        story.wait_for("said nothing for")
        story.wait_for("is ready again after")
        assert boxes.controller(domain) != controller
    finally:
        for pid in set(pids) & set(boxes.processes(domain)):
            os.kill(pid, signal.SIGCONT)


def test_bad_orders_are_refused(drover):
    for words in (["--for", "soon"], ["--for", "0"], ["--reason", "x" * 201]):
        assert drover.refuse(2, "health", "pause", *words)["message"]
    assert "no guest 'nobody-1'" in drover.refuse(3, "health", "explain", "nobody-1")["message"]
    assert drover.ask("health", "nobody-*")["guests"] == []


# ---- levels


@pytest.mark.promise("HEALTH-5")
@pytest.mark.parametrize("kind", ["vm", "container"])
def test_levels_are_shown_and_told(drover, owner, kind):
    name, _ = one(owner, "--kind", kind)
    story = Story(drover, name)
    levels = wait_until(lambda: drover.guest(name)["levels"], "it tells its levels")
    assert 0 < levels["disk_used"] < levels["disk_size"] and 0 < levels["memory_free"] < levels["memory_size"]
    assert abs(levels["clock_ahead"]) < 60
    blocks = int(owner.ssh(name, "df -k /home | tail -1").split()[1])
    assert abs(levels["disk_size"] / 1024 - blocks) < blocks / 10
    owner.ssh(name, f"dd if=/dev/zero of=/home/full bs=1k count={blocks * 7 // 10} 2>/dev/null; sync")
    assert "MiB are left" in story.wait_for("its disk is")
    assert drover.guest(name)["levels"]["disk_used"] > levels["disk_used"]


# ---- what it costs


def share_of_a_core(drover, seconds):
    usage = Usage(drover.process.pid)
    cpu, began = usage.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (usage.cpu_seconds() - cpu) / (time.monotonic() - began) * 100


@pytest.mark.promise("HEALTH-6")
def test_watching_containers_costs_little(drover, keys, full, figure):
    count = 500 if full else 10
    drover.stop()
    drover.config.write_text("instance: health\n")  # as it is out of the box
    drover.start()
    owner = Owner(drover, "cost", keys, quota=count)
    try:
        owner.request(count, "--kind", "container", "--timeout", "0")
        names = set(owner.names())

        def heard():
            return {each["guest"] for each in drover.ask("health", "cost-*")["guests"] if each["heard"] and each["silence"] < 60}

        wait_until(lambda: heard() == names, "all spoke within twice the interval", 120)
        share = share_of_a_core(drover, 65 if full else 10)
        figure(f"watching {count} containers (promised for 500: under 3)", f"{share:.2f}", "% of one core")
        assert heard() == names
        assert not full or share < 3
        owner.retire_all()
    finally:
        drover.stop()
        drover.config.write_text(f"instance: health\n{QUICK}")


@pytest.mark.promise("HEALTH-6")
def test_watching_simulated_guests_costs_little(full, figure):
    count = 10_000 if full else 500
    drover = Drover(
        "crowd",
        "hosts: [{name: local, vm_uri: 'fake:///var/lib/drover-crowd/hypervisor'}]\nnetwork: {cidr: 10.48.0.0/16, host_names: none}\n"
        f"quota: {{default: {count}}}\ntesting: {{enabled: true, guests: simulated}}\n",
    )
    drover.start()
    try:
        drover.ask("image", "build", TINY)
        drover.ask("owner", "set", "crowd", "--quota", count)
        drover.ask("request", "--owner", "crowd", "--count", count, "--timeout", "0")
        wait_until(lambda: drover.ask("health")["watched"] == count, "all are watched", 120)
        span = 65 if full else 35  # more than one interval
        time.sleep(span)  # whatever was begun ends, and each was asked
        share = share_of_a_core(drover, span)
        figure(f"watching {count} simulated guests, theirs included (promised for 10,000: under 5)", f"{share:.2f}", "% of one core")
        silences = [each["silence"] for each in drover.ask("health")["guests"]]
        figure("longest since a word (promised: at most twice the interval of 30 s)", max(silences), "s")
        assert len(silences) == count and max(silences) <= 60
        assert not full or share < 5
    finally:
        drover.stop()
