"""Hooks: the administrator's programs at what happens to guests. HOOK-1 to HOOK-9, on simulated guests."""
import concurrent.futures
import json
import pathlib
import shutil
import subprocess

import pytest
from drover import BIN, ROOT, TINY, Drover, wait_until
from test_doctor import by_check

STATE = "/var/lib/drover-hooks"
FOLDER = pathlib.Path("/etc/drover/hooks-of-test")
TIMEOUT = 6  # seconds


@pytest.fixture(scope="module")
def daemon_of_hooks():
    drover = Drover(
        "hooks",
        f"hosts: [{{name: local, vm_uri: 'fake://{STATE}/hypervisor'}}]\n"
        "network: {cidr: 10.49.0.0/20, host_names: none}\n"
        f"hooks: {{folder: {FOLDER}, timeout: {TIMEOUT}s}}\n"
        "testing: {enabled: true, guests: simulated}\n",
    )
    drover.start()
    drover.ask("image", "build", TINY)
    drover.ask("owner", "set", "alice", "--quota", 500)
    yield drover
    drover.stop()


@pytest.fixture
def drover(daemon_of_hooks):
    """Without hooks and guests before and after each test."""
    yield daemon_of_hooks
    shutil.rmtree(FOLDER, ignore_errors=True)
    if daemon_of_hooks.process is None:
        daemon_of_hooks.start()
    if daemon_of_hooks.guests():
        daemon_of_hooks.ask("retire", "--all", "--yes", "--purge")


@pytest.fixture
def place(tmp_path):
    """Where hooks of the test write."""
    return tmp_path


def add(event, name, script, mode=0o755):
    """Puts a shell script there by a rename, as the contract says."""
    folder = FOLDER / event
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f"{name}.aside"
    aside.write_text(f"#!/bin/sh\n{script}\n")
    aside.chmod(mode)
    return aside.rename(folder / name)


def add_post(drover, event, name, script):
    """A hook that is told of all that happens from now on."""
    began = f"{event}/{name}"
    path = add(event, name, script)
    wait_until(lambda: began in notes(drover), f"{began} has its place in the log")
    return path


def notes(drover):
    """The hooks that have a place in the log."""
    backup = FOLDER / "registry.db"
    backup.unlink(missing_ok=True)
    drover.ask("backup", "--registry", backup)
    done = subprocess.run(
        ["python3", "-c", "import sqlite3,sys; print(*[r[0] for r in sqlite3.connect(sys.argv[1]).execute("
         "\"SELECT key FROM notes WHERE key LIKE 'hook/%'\")])", backup], capture_output=True, text=True, check=True)
    return [key.removeprefix("hook/") for key in done.stdout.split()]


def runs(file):
    """What a hook that does `cat >>file` was told, run by run; a run that was cut off is none."""
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def told(file):
    return {guest["name"] for run in runs(file) for guest in run["guests"]}


def request(drover, count=1):
    return drover.ask("request", "--owner", "alice", "--additional", "--count", count)["created"]


def refused(drover):
    error = drover.refuse(4, "request", "--owner", "alice", "--count", 1)
    assert error["kind"] == "refused" and drover.guests() == []
    return error["message"]


def hook_events(drover, label):
    lines = drover.say("events", "--json").out.splitlines()
    return [e["message"] for e in map(json.loads, lines) if e["kind"] == "hook" and e["message"].startswith(label)]


@pytest.mark.promise("HOOK-1")
def test_a_hook_refuses_a_request_and_nothing_has_changed(drover, place):
    before = len(drover.ask("operations"))
    add("request-pre", "b", f"cat >{place}/input; echo so >&2; echo 'no guests on Fridays' >&2; exit 1")
    assert refused(drover) == "refused by the hook request-pre/b: no guests on Fridays"
    assert len(drover.ask("operations")) == before
    told_of = json.loads((place / "input").read_text())
    assert told_of["who"] == "root"
    wanted = {"verb": "request", "owner": "alice", "count": 1, "image": TINY, "kind": "vm"}
    assert wanted.items() <= told_of["request"].items()
    add("request-pre", "a", "echo 'a comes first' >&2; exit 1")
    assert "a comes first" in refused(drover)
    add("request-pre", "a", "exit 0")
    add("request-pre", "b", "exit 0")
    first = drover.ask("request", "--owner", "alice", "--count", 1, "--idempotency-key", "k")
    add("request-pre", "b", "exit 1")
    again = drover.ask("request", "--owner", "alice", "--count", 1, "--idempotency-key", "k")
    assert again["operation"] == first["operation"], "what was answered stays so"
    drover.ask("stop", "--all")
    error = drover.refuse(4, "import", "/nowhere.tar", "--owner", "alice")
    assert "nowhere" in error["message"], "no hook is asked about what cannot be"


@pytest.mark.promise("HOOK-2")
def test_who_gives_no_answer_refuses_and_holds_nobody_else(drover, place):
    add("request-pre", "a", f"read line; case $line in *carol*) echo >{place}/hangs; sleep 1000;; esac")
    drover.ask("owner", "set", "carol")
    crowd = 30  # more than the API has threads for writers
    with concurrent.futures.ThreadPoolExecutor(crowd) as pool:
        hanging = [pool.submit(drover.call, "request", "--owner", "carol", "--count", 1) for _ in range(crowd)]
        wait_until((place / "hangs").exists, "one hangs")
        request(drover)
        assert sum(call.done() for call in hanging) < crowd, "the others still wait"
        answers = [call.result() for call in hanging]
    assert {answer.code for answer in answers} == {4}
    assert all("request-pre" in answer.error["message"] for answer in answers)
    assert "did not end within 6s" in answers[0].error["message"]
    assert drover.guests("--owner", "carol") == []
    assert len(hook_events(drover, "request-pre/a")) <= 2, "a streak is told once"
    drover.ask("owner", "remove", "carol")


@pytest.mark.promise("HOOK-2")
def test_a_hook_that_crashes_refuses(drover):
    add("request-pre", "a", "kill -SEGV $$")
    assert "killed by signal 11" in refused(drover)


@pytest.mark.promise("HOOK-5")
@pytest.mark.parametrize("mode, why", [(0o644, "is not executable"), (0o775, "others"), (0o757, "others")])
def test_what_others_could_have_written_is_not_run(drover, place, mode, why):
    path = add("request-pre", f"a{mode}", f"echo >{place}/ran", mode)
    assert why in refused(drover)
    post = add("guest-ready-post", f"b{mode}", f"echo >{place}/ran", mode)
    wait_until(lambda: hook_events(drover, f"guest-ready-post/b{mode} is not run: "), "an event")
    found = by_check(drover.call("doctor").json)["hooks"]
    assert found["level"] == "warn"
    assert str(path) in found["mend"] and str(post) in found["mend"] and "chmod" in found["mend"]
    path.chmod(0o755)
    post.chmod(0o755)
    request(drover)
    assert by_check(drover.call("doctor").json)["hooks"]["level"] == "ok"
    assert (place / "ran").exists()


@pytest.mark.promise("HOOK-5")
def test_a_folder_that_others_write_and_a_foreign_file_are_not_trusted(drover, place):
    path = add("request-pre", "a", f"echo >{place}/ran")
    path.parent.chmod(0o777)
    assert f"{path.parent} can be written by others" in refused(drover)
    path.parent.chmod(0o755)
    shutil.chown(path, 12345)
    assert "not root's" in refused(drover)
    assert not (place / "ran").exists()


@pytest.mark.promise("HOOK-4")
def test_a_hook_that_prints_a_gigabyte_harms_nobody(drover, place, full):
    size = "1G" if full else "200M"
    begin = drover.log.stat().st_size
    add_post(drover, "guest-ready-post", "loud", f"yes | head -c {size}; yes | tr -d '\\n' | head -c 9M >&2; "
             f"echo >{place}/loud")
    add_post(drover, "guest-ready-post", "quiet", f"cat >>{place}/quiet")
    (name,) = request(drover)
    wait_until(lambda: name in told(place / "quiet"), "the other is told")
    wait_until(lambda: (place / "loud").exists() or hook_events(drover, "guest-ready-post/loud failed"), "it ran", 120)
    assert drover.log.stat().st_size - begin < 300_000
    peak = int((pathlib.Path("/proc") / str(drover.process.pid) / "status").read_text().split("VmHWM:")[1].split()[0])
    assert peak < 200_000, f"{peak} KiB"


@pytest.mark.promise("HOOK-6")
def test_many_guests_are_a_few_runs(drover, place, full):
    count = 500 if full else 50
    add_post(drover, "guest-ready-post", "x", f"cat >>{place}/ready")
    add_post(drover, "wave-done-post", "x", f"cat >>{place}/done")
    add_post(drover, "guest-gone-post", "x", f"cat >>{place}/gone")
    add_post(drover, "guest-stopped-post", "x", f"cat >>{place}/stopped")
    created = set(request(drover, count))
    wait_until(lambda: told(place / "ready") >= created, "all are told")
    assert len(runs(place / "ready")) <= count / 4
    (wave,) = wait_until(lambda: runs(place / "done"), "the wave is told")
    assert {guest["name"] for guest in wave["guests"]} == created
    assert [(o["verb"], o["outcome"], o["who"]) for o in wave["operations"]] == [("request", "done", "root")]
    assert not (place / "stopped").exists(), "who was built did not stop"
    drover.ask("retire", "--all", "--yes", "--purge")
    wait_until(lambda: told(place / "gone") >= created, "all are told")
    wait_until(lambda: told(place / "stopped") >= created, "all are told")
    assert {guest["phase"] for run in runs(place / "gone") for guest in run["guests"]} == {"gone"}


@pytest.mark.promise("HOOK-7")
def test_each_is_told_at_least_once_over_kills_and_failures(drover, place, full):
    """The hook fails at first, hangs then, is killed with the daemon; another that works is not delayed."""
    script = f"cat >{place}/$$; n=$(ls {place} | wc -l); [ $n -gt 2 ] || exit 1; [ $n -gt 3 ] || sleep 1000; " \
             f"cat {place}/$$ >>{place}/told"
    add_post(drover, "guest-ready-post", "bad", script)
    other = place.with_name(f"{place.name}-other")
    add_post(drover, "guest-ready-post", "good", f"cat >>{other}")
    created = set(request(drover, 5))
    wait_until(lambda: told(other) >= created, "the other is told")
    for turn in range(4 if full else 2):
        drover.kill()
        drover.start()
        created |= set(request(drover, 3))
        wait_until(lambda: told(other) >= created, "the other is told")
    wait_until(lambda: told(place / "told") >= created, "each is told", 120)
    assert hook_events(drover, "guest-ready-post/bad failed") != []
    assert hook_events(drover, "guest-ready-post/good") == []


@pytest.mark.promise("HOOK-6")
def test_a_hook_taken_away_while_it_runs_runs_to_its_end(drover, place):
    path = add_post(
        drover, "guest-ready-post", "x", f"echo >{place}/runs; until [ -e {place}/go ]; do sleep 0.1; done; cat >{place}/told"
    )
    (name,) = request(drover)
    wait_until((place / "runs").exists, "it runs")
    path.unlink()
    (place / "go").write_text("")
    wait_until(lambda: name in told(place / "told"), "it was told")
    wait_until(lambda: notes(drover) == [], "it is forgotten")
    request(drover)
    assert hook_events(drover, "guest-ready-post/x failed") == []


@pytest.mark.promise("HOOK-8")
def test_a_guest_that_is_retired_waits_for_the_hooks_but_not_for_ever(drover, place):
    names = request(drover, 3)
    add("guest-retire-pre", "x", f"cat >>{place}/told; {BIN}/drover list --json >/dev/null; exit 1")
    drover.ask("retire", "--all", "--yes", "--purge")
    assert told(place / "told") == set(names)
    assert {guest["phase"] for run in runs(place / "told") for guest in run["guests"]} <= {"stopped"}
    assert {operation["verb"] for run in runs(place / "told") for operation in run["operations"]} == {"retire"}
    names = request(drover, 3)
    add("guest-retire-pre", "y", "sleep 1000")
    drover.ask("retire", "--all", "--yes", "--purge")
    assert drover.guests() == []
    wait_until(lambda: hook_events(drover, "guest-retire-pre/y failed: did not end"), "an event tells why")


# ---- those that are shipped


@pytest.fixture
def programs():
    """What hooks find in their PATH before anything else: the lab's own folder."""
    folder = pathlib.Path("/usr/local/bin")
    (folder / "drover").unlink(missing_ok=True)
    (folder / "drover").symlink_to(BIN / "drover")
    yield folder
    for name in ("drover", "sendmail", "nsupdate"):
        (folder / name).unlink(missing_ok=True)


def fake(folder, name, file):
    (folder / name).write_text(f'#!/bin/sh\necho "$@" >>{file}\ncat >>{file}\n')
    (folder / name).chmod(0o755)


def ship(drover, hook, *events):
    for event in events:
        folder = FOLDER / event
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hook).symlink_to(ROOT / "hooks" / hook)
        wait_until(lambda: f"{event}/{hook}" in notes(drover), f"{event}/{hook} has its place in the log")


@pytest.mark.promise("HOOK-9")
def test_the_inventory_holds_who_is_ready(drover, place, programs):
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "ansible-inventory.path").write_text(f"{place}/hosts.json\n")
    ship(drover, "ansible-inventory", "guest-ready-post", "guest-stopped-post", "guest-gone-post")

    def hosts():
        file = place / "hosts.json"
        groups = json.loads(file.read_text())["all"]["children"] if file.exists() else {}
        return groups.get("owner_alice", {"hosts": {}})["hosts"]

    one, two = request(drover, 2)
    wait_until(lambda: set(hosts()) == {one, two}, "both are in it")
    assert hosts()[one]["ansible_host"] == drover.guest(one)["address"]
    drover.ask("stop", one)
    wait_until(lambda: set(hosts()) == {two}, "who is off is not")
    drover.ask("retire", two, "--yes", "--purge")
    wait_until(lambda: hosts() == {}, "who is gone is not")
    assert [file.name for file in place.iterdir()] == ["hosts.json"], "nothing is left beside it"


@pytest.mark.promise("HOOK-9")
def test_mail_tells_the_administrator(drover, place, programs):
    fake(programs, "sendmail", place / "mail")
    FOLDER.mkdir(exist_ok=True)
    ship(drover, "mail", "wave-done-post")
    request(drover, 2)
    failure = wait_until(lambda: hook_events(drover, "wave-done-post/mail failed"), "it lacks its address")
    assert "mail.to" in failure[-1]
    (FOLDER / "mail.to").write_text("root@example.org\n")
    wait_until(lambda: (place / "mail").exists() and "request: done" in (place / "mail").read_text(), "it mails then")
    text = (place / "mail").read_text()
    assert text.startswith("-t -oi\nTo: root@example.org\nSubject: drover hooks: wave-done-post: o-")


@pytest.mark.promise("HOOK-9")
def test_nsupdate_adds_and_takes_away_names(drover, place, programs):
    fake(programs, "nsupdate", place / "sent")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "nsupdate.conf").write_text("server 192.0.2.1\nzone guests.example.org\nkey /etc/key\n")
    ship(drover, "nsupdate", "guest-ready-post", "guest-gone-post")
    (name,) = request(drover)
    address = drover.guest(name)["address"]
    sent = lambda: (place / "sent").read_text() if (place / "sent").exists() else ""
    wait_until(lambda: "update add" in sent(), "it is added")
    head = "-k /etc/key\nserver 192.0.2.1\nzone guests.example.org.\n"
    gone = f"update delete {name}.guests.example.org. A\n"
    assert sent() == f"{head}{gone}update add {name}.guests.example.org. 300 A {address}\nsend\n"
    (place / "sent").unlink()
    drover.ask("retire", name, "--yes", "--purge")
    wait_until(lambda: sent().endswith("send\n"), "it is taken away")
    assert sent() == f"{head}{gone}send\n"
