"""Services of guests, lost keys and forgotten passwords: from outside, with no login, by declared names and verbs alone."""
import contextlib
import crypt
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import time

import pytest
from drover import BIN, ROOT, Drover, Owner, lxc, sh, virsh, wait_until

KINDS = [pytest.param("vm", marks=pytest.mark.only_full), "container"]
BOTH = ["vm", "container"]
SETTINGS = """\
timeouts: {ready: 300s, stop: 60s}
quota: {default: 20}
testing: {enabled: true}
"""
OWN = pathlib.Path("/etc/drover/images/many")  # the lab's own
PROFILES = ROOT / "overlays"  # the lab's own view of it gets one more
# Notes what it is told; `hangs` never ends, `breaks` fails.
SCRIPT = """\
#!/bin/sh
echo "${0##*/} $1" >>/run/told
case ${0##*/}-$1 in
hangs-restart) sleep 1000 ;;
breaks-start | breaks-restart) exit 7 ;;
breaks-status) exit 3 ;;
esac
"""
DECLARED = {"last": (90, "up"), "first": (3, "up"), "hangs": (30, "up"), "breaks": (20, "up"), "idle": (10, "down"),
            "middle": (50, "up")}
HOSTILE = ("../web", "/bin/sh", "web;reboot", "$(reboot)", "Web", "web ", "", "web\nSTOP", "-web", "web-", "x" * 32, "wéb")


def own_image():
    shutil.copytree(ROOT / "images/tiny", OWN)
    recipe = OWN / "image.yaml"
    recipe.write_text(recipe.read_text().replace("name: tiny", "name: many").replace("profile: basic", "profile: many"))
    for name in DECLARED:
        script = OWN / "root/etc/drover/services" / name
        script.write_text(SCRIPT)
        script.chmod(0o755)


def own_profile(folder):
    """The profiles that there are and `many`, seen by this lab alone."""
    shutil.copytree(PROFILES, folder, dirs_exist_ok=True)
    text = (PROFILES / "basic/overlay.yaml").read_text()
    lines = [f"  - {{name: {name}, priority: {priority}, wanted: {wanted}, command: /etc/drover/services/{name}}}\n"
             for name, (priority, wanted) in DECLARED.items()]
    lines.append("  - {name: apache2, priority: 1, unit: apache2.service}\n")
    (folder / "many").mkdir()
    (folder / "many/overlay.yaml").write_text(text[: text.index("services:")] + "services:\n" + "".join(lines))
    sh("mount", "--bind", folder, PROFILES)


@pytest.fixture(scope="module")
def drover(tmp_path_factory):
    own_image()
    own_profile(tmp_path_factory.mktemp("profiles"))
    one = Drover("services", SETTINGS)
    one.start()
    one.ask("image", "build", "tiny")
    one.ask("image", "build", "many")
    yield one
    if one.process is None:
        one.start()
    one.stop()
    sh("umount", PROFILES)
    shutil.rmtree(OWN)


@pytest.fixture
def owner(drover, keys, request):
    one = Owner(drover, f"s-{abs(hash(request.node.name)) % 10**8}", keys, quota=5)
    yield one
    if drover.process is None:
        drover.environment = None
        drover.start()
    one.retire_all()
    assert drover.findings() == []


def make(owner, *more):
    owner.request(1, "--additional", *more)
    return owner.names()[-1]


def services(drover, name):
    return {row["service"]: row for row in drover.ask("service", name)}


def states(drover, name):
    return {service: row["state"] for service, row in services(drover, name).items()}


def wait_for_states(drover, name, expected):
    wait_until(lambda: states(drover, name) == expected, f"services of {name}: {expected}")


def page(name):
    return sh("curl", "-sS", "--max-time", "5", f"http://{name}/", check=False).strip()


def told(owner, name):
    return owner.ssh(name, "cat /run/told 2>/dev/null || true").splitlines()


def reason(answer):
    (item,) = answer.json["items"]
    return item["reason"]


# ---- what a user does


@pytest.mark.promise("SERVICE-1")
@pytest.mark.parametrize("kind", BOTH)
def test_a_restarted_service_answers_anew(drover, owner, full, figure, kind):
    name = make(owner, "--kind", kind)
    wait_for_states(drover, name, {"ssh": "up", "web": "up"})
    assert f"This is {name}, the server of {owner.name}" in page(name)
    pid = owner.ssh(name, "cat /run/web.pid")
    times = []
    for _ in range(50 if full else 3):
        begun = time.monotonic()
        assert drover.say("service", name, "restart", "web").code == 0
        assert "This is" in page(name)
        times.append((time.monotonic() - begun) * 1000)
    assert owner.ssh(name, "cat /run/web.pid") != pid, "another process; who asked before may still be served by the old"
    row = services(drover, name)["web"]
    assert row == {**row, "guest": name, "priority": 50, "wanted": "up", "state": "up"} and row["since"]
    mine = [sum(each) for each in times_of_the_daemon(drover)[-len(times):]]
    figure(f"{kind}: from command to page, median", statistics.median(times), "ms")
    figure(f"{kind}: of it the daemon's, median", statistics.median(mine), "ms")
    if full:
        assert statistics.median(times) < 150 and statistics.median(mine) < 20


def times_of_the_daemon(drover):
    form = re.compile(r"told after ([0-9.]+) ms, answered after [0-9.]+ ms, written after ([0-9.]+) ms")
    return [tuple(map(float, found)) for found in form.findall(drover.log.read_text())]


@pytest.mark.promise("SERVICE-3")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_disabled_stays_down_until_it_is_enabled(drover, owner, kind):
    name = make(owner, "--kind", kind)
    wait_for_states(drover, name, {"ssh": "up", "web": "up"})
    drover.ask("service", name, "disable", "web")
    assert page(name) == "" and states(drover, name)["web"] == "down"
    for verb in (["restart", name], ["rebuild", name, "--yes"]):
        drover.ask(*verb)
        wait_for_states(drover, name, {"ssh": "up", "web": "down"})
        assert page(name) == "" and services(drover, name)["web"]["wanted"] == "down"
    drover.ask("service", name, "start", "web")
    assert page(name) != "" and services(drover, name)["web"]["wanted"] == "down", "once"
    owner.ssh(name, "reboot")
    wait_until(lambda: states(drover, name) == {"ssh": "up", "web": "down"} and page(name) == "", "down after a reboot")
    drover.ask("service", name, "enable", "web")
    assert page(name) != ""


@pytest.mark.promise("SERVICE-3")
@pytest.mark.parametrize("kind", KINDS)
def test_services_start_by_priority_and_what_is_not_there_holds_up_nothing(drover, owner, kind):
    name = make(owner, "--kind", kind, "--image", "many")
    expected = {"apache2": "absent", "first": "up", "idle": "down", "breaks": "down", "hangs": "up", "middle": "up",
                "last": "up"}
    wait_for_states(drover, name, expected)
    in_order = ["first start", "idle stop", "breaks start", "breaks status", "hangs start", "middle start", "last start"]
    assert told(owner, name) == in_order
    drover.ask("restart", name)
    wait_for_states(drover, name, expected)
    assert told(owner, name) == in_order, "each boot"
    assert [row["service"] for row in drover.ask("service", name)][:2] == ["apache2", "first"], "by priority"
    refused = drover.call("service", name, "restart", "apache2")
    assert refused.code == 1 and "no such service" in reason(refused)
    drover.ask("service", name, "stop", "apache2")
    broken = drover.call("service", name, "restart", "breaks")
    assert broken.code == 1 and "status 7" in reason(broken)


@pytest.mark.promise("SERVICE-4")
def test_only_declared_services_and_verbs_can_be_reached(drover, owner):
    name = make(owner, "--kind", "container")
    unknown = drover.refuse(3, "service", name, "restart", "apache2")
    assert "ssh, web" in unknown["hint"]
    for service in HOSTILE:
        assert drover.say("service", name, "restart", "--", service).code == 2, service
    for words in ((name, "restart"), (name, "enable"), (), ("restart", "web")):
        drover.refuse(2, "service", *words)
    drover.refuse(3, "service", "nobody-*", "restart", "web")
    assert "restart and a service" in drover.refuse(3, "service", name, "reload", "web")["hint"]
    assert drover.ask("service", name, "list") == drover.ask("service", name)

    drover.ask("stop", name)
    for verb in ("start", "stop", "restart"):
        refused = drover.call("service", name, verb, "web")
        assert refused.code == 1 and refused.json["items"][0]["outcome"] == "refused" and "stopped" in reason(refused)
    assert set(states(drover, name).values()) == {"unknown"}
    drover.ask("service", name, "disable", "web")
    drover.ask("start", name)
    wait_for_states(drover, name, {"ssh": "up", "web": "down"})


@pytest.mark.promise("SERVICE-5")
def test_every_change_is_an_operation(drover, owner):
    first, second = make(owner, "--kind", "container"), make(owner, "--kind", "container")
    drover.ask("stop", second)
    answer = drover.call("service", "--owner", owner.name, "restart", "web")
    assert answer.code == 1 and answer.json["outcome"] == "partial"
    assert {item["name"]: item["outcome"] for item in answer.json["items"]} == {first: "done", second: "refused"}
    (operation,) = drover.ask("operations", answer.json["operation"])
    assert operation["who"] == "root" and operation["verb"] == "service-restart" and operation["finished"]
    assert operation["arguments"] == {"owner": owner.name, "service": "web"}
    answer = drover.ask("service", first, "stop", "web", "--no-wait")
    wait_until(lambda: drover.ask("operations", answer["operation"])[0]["outcome"] == "done", "it goes on")


# ---- who may


@pytest.mark.promise("SERVICE-4")
def test_every_verb_by_everybody(drover, owner, keys):
    other = Owner(drover, "s-other", keys, quota=1)
    accounts = {"s-admin": 0, "s-mine": 0, "s-theirs": 3, "s-nobody": 3}
    sh("groupadd", "--force", "--system", "drover-admin")
    for account in accounts:
        sh("useradd", "--no-create-home", account)
    sh("usermod", "--append", "--groups", "drover-admin", "s-admin")
    drover.ask("owner", "set", owner.name, "--login", "s-mine")
    drover.ask("owner", "set", other.name, "--login", "s-theirs")
    name = make(owner, "--kind", "container")
    wait_for_states(drover, name, {"ssh": "up", "web": "up"})
    words = [["service", name], *(["service", name, verb, "web"] for verb in ("disable", "enable", "stop", "start", "restart")),
             ["keys", name], ["passwd", name]]
    codes = {account: {client(drover, account, *each) for each in words} for account in accounts}
    assert codes == {account: {code} for account, code in accounts.items()}
    assert client(drover, "s-mine", "service", "*", "restart", "web") == 0, "of one's own"
    assert client(drover, "s-theirs", "service", "*", "restart", "web") == 3
    other.retire_all()


def client(drover, account, *arguments):
    """The exit code of the client as this account, with its supplementary groups."""
    become = ["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups"]
    command = [*become, BIN / "drover", "--socket", drover.socket, *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120).returncode


# ---- what goes wrong


@pytest.mark.promise("SERVICE-5")
@pytest.mark.parametrize("failpoint", ["commit.act.before", "commit.act.after", "act.told", "act.done"])
def test_a_killed_daemon_loses_nothing_that_it_accepted(drover, owner, failpoint):
    name = make(owner, "--kind", "container")
    wait_for_states(drover, name, {"ssh": "up", "web": "up"})
    drover.stop()
    drover.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DROVER_FAILPOINT": failpoint}
    drover.start()
    drover.call("service", name, "disable", "web", "--timeout", "5s")
    wait_until(lambda: drover.process.poll() is not None, "the daemon is killed")
    drover.process, drover.environment = None, None
    drover.start()
    if failpoint == "commit.act.before":
        assert services(drover, name)["web"]["wanted"] == "up" and page(name) != "", "nothing was accepted"
        return
    wait_until(lambda: all(each["finished"] for each in drover.ask("operations")), "what was accepted has ended")
    assert services(drover, name)["web"]["wanted"] == "down" and states(drover, name)["web"] == "down"
    assert page(name) == ""


@pytest.mark.promise("SERVICE-7")
@pytest.mark.parametrize("kind", KINDS)
def test_a_service_that_hangs_keeps_nobody(drover, owner, kind):
    name = make(owner, "--kind", kind, "--image", "many")
    wait_until(lambda: states(drover, name)["last"] == "up", "all are up")
    hanging = drover.ask("service", name, "restart", "hangs", "--no-wait")["operation"]
    wait_until(lambda: "hangs restart" in told(owner, name), "it hangs")
    neighbour = make(owner, "--kind", kind)
    drover.ask("service", neighbour, "restart", "web")
    drover.ask("keys", neighbour)
    begun = time.monotonic()
    drover.ask("stop", name)
    assert time.monotonic() - begun < 50, "it heard that it is to stop"
    answer = drover.ask("operations", hanging)[0]
    assert answer["outcome"] == "failed" and "it is stopp" in answer["items"][0]["reason"]


@pytest.mark.promise("SERVICE-5")
@pytest.mark.parametrize("kind", KINDS)
def test_a_guest_that_loses_its_power_in_the_middle_ends_what_was_asked(drover, owner, kind):
    name = make(owner, "--kind", kind, "--image", "many")
    wait_until(lambda: states(drover, name)["last"] == "up", "all are up")
    asked = drover.ask("service", name, "restart", "hangs", "--no-wait")["operation"]
    wait_until(lambda: "hangs restart" in told(owner, name), "it hangs")
    domain = drover.guest(name)["domain"]
    (virsh if kind == "vm" else lxc)("destroy", domain)
    ended = wait_until(lambda: (one := drover.ask("operations", asked)[0])["finished"] and one, "it has ended", 30)
    assert ended["outcome"] == "failed" and ended["items"][0]["reason"]
    owner.wait_for("ready", 1)
    wait_until(lambda: states(drover, name)["last"] == "up", "all are up again")


# ---- lost keys, forgotten passwords


@pytest.mark.promise("SERVICE-6")
@pytest.mark.parametrize("kind", KINDS)
def test_keys_let_an_owner_in_again(drover, owner, kind):
    name = make(owner, "--kind", kind)
    owner.ssh(name, "rm /root/.ssh/authorized_keys")
    assert owner.try_ssh(name, "true").returncode != 0
    drover.ask("keys", name)
    owner.ssh(name, "true")
    drover.ask("stop", name)
    refused = drover.call("keys", name)
    assert refused.code == 1 and "when it starts" in reason(refused)


@pytest.mark.promise("SERVICE-6")
@pytest.mark.parametrize("kind", KINDS)
def test_a_password_opens_a_login_once_and_is_nowhere_else(drover, owner, kind):
    name = make(owner, "--kind", kind)
    assert shadow(owner, name)["root"] == "*"
    answer = drover.ask("passwd", name)
    password = answer["password"]
    assert len(password) >= 16 and answer["user"] == "root"
    assert drover.ask("passwd", name)["password"] != password, "another each time"
    password = drover.ask("passwd", name)["password"]
    hashed = shadow(owner, name)["root"]
    assert hashed.startswith("$6$") and crypt.crypt(password, hashed) == hashed
    drover.ask("restart", name)
    assert shadow(owner, name)["root"] == hashed, "after a boot, too"

    traces = [drover.log.read_bytes(), *(file.read_bytes() for file in drover.state.glob("registry.db*"))]
    traces.append(json.dumps(drover.ask("operations")).encode() + drover.call("events").out.encode())
    for secret in (password, password.replace("-", ""), hashed, hashed.split("$")[3]):
        assert not any(secret.encode() in trace for trace in traces)

    wrong = log_in(owner, name, "not-the-password")
    assert "uid=0" not in wrong
    assert "uid=0(root)" in log_in(owner, name, password)
    assert shadow(owner, name)["root"] == "*", "it was used"
    assert "uid=0" not in log_in(owner, name, password)
    unknown = drover.call("passwd", name, "--user", "bob")
    assert unknown.code == 1 and "no user 'bob'" in reason(unknown)
    drover.refuse(2, "passwd", name, "--user", "ro:ot")
    drover.refuse(2, "passwd", "s-*")
    drover.refuse(3, "passwd", "nobody-1")


def shadow(owner, name):
    return dict(line.split(":")[:2] for line in owner.ssh(name, "cat /etc/shadow").splitlines())


def log_in(owner, name, password):
    """What is seen on a terminal on which root logs in, as on the console."""
    host_key = owner.drover.guest(name)["host_key"]["known_hosts"]
    known = owner.folder / f"{name}.known_hosts"
    known.write_text(f"{host_key}\n")
    command = ["ssh", "-F", "none", "-tt", "-i", owner.key, "-o", f"UserKnownHostsFile={known}", f"root@{name}"]
    done = subprocess.Popen([*command, "exec login root"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    with contextlib.closing(done.stdout), contextlib.suppress(BrokenPipeError):  # login gave up
        seen = read_until(done, b"assword:")
        done.stdin.write(password.encode() + b"\n")
        done.stdin.flush()
        seen += read_until(done, b"# ", b"incorrect")
        done.stdin.write(b"id\nexit\n")
        done.stdin.flush()
        seen += read_until(done, b"uid=0(root)", b"login:", b"incorrect")
    done.kill()
    done.wait()
    return seen.decode(errors="replace")


def read_until(process, *marks):
    seen = b""
    deadline = time.monotonic() + 60
    while not any(mark in seen for mark in marks) and time.monotonic() < deadline:
        piece = process.stdout.read1(4096)
        if not piece:
            break
        seen += piece
    return seen


# ---- Debian


@pytest.fixture(scope="module")
def debian(drover):
    drover.ask("image", "build", "debian")
    return "debian"


@pytest.mark.only_full  # for the image
@pytest.mark.promise("SERVICE-2")
@pytest.mark.parametrize("kind", BOTH)
def test_units_of_debian(drover, owner, debian, figure, kind):
    name = make(owner, "--kind", kind, "--image", debian, "--timeout", "0")
    wait_for_states(drover, name, {"ssh": "up", "apache2": "up"})
    pid = owner.ssh(name, "systemctl show -p MainPID --value apache2")
    ours, theirs = [], []
    for _ in range(10 if kind == "vm" else 1):  # turn by turn: the machine is not as busy all the time
        for _ in range(5):
            begun = time.monotonic()
            drover.ask("service", name, "restart", "apache2")
            ours.append(time.monotonic() - begun)
        theirs += [int(nanoseconds) / 1e9 for nanoseconds in owner.ssh(name, INSIDE).split()]
    assert owner.ssh(name, "systemctl show -p MainPID --value apache2") != pid and name in page(name)
    ratio = statistics.median(ours) / statistics.median(theirs)
    figure(f"{kind}: restart of apache2, ours against systemctl in the guest", ratio, "times")
    assert ratio < 1.2 or kind == "container"  # promised where programs are emulated
    drover.ask("service", name, "restart", "ssh")
    owner.ssh(name, "true")
    drover.ask("service", name, "stop", "ssh")
    assert owner.try_ssh(name, "true").returncode != 0
    drover.ask("service", name, "start", "ssh")
    owner.ssh(name, "true")
    drover.ask("service", name, "disable", "apache2")
    drover.ask("restart", name, "--timeout", "0")
    wait_for_states(drover, name, {"ssh": "up", "apache2": "down"})
    assert page(name) == ""


INSIDE = "for n in 1 2 3 4 5; do a=$(date +%s%N); systemctl restart apache2; b=$(date +%s%N); echo $((b - a)); done"


@pytest.mark.only_full  # for the image
@pytest.mark.promise("SERVICE-6")
@pytest.mark.parametrize("kind", BOTH)
def test_a_password_of_debian(drover, owner, debian, kind):
    name = make(owner, "--kind", kind, "--image", debian, "--timeout", "0")
    password = drover.ask("passwd", name)["password"]
    assert "uid=0(root)" in log_in(owner, name, password)
    assert shadow(owner, name)["root"] == "*", "it was used"
    assert "uid=0" not in log_in(owner, name, password)
