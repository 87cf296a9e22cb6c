"""What guests print on their consoles is kept: bounded, by start, until they are gone."""
import os
import signal
import stat
import subprocess

import door
import pytest
from drover import BIN, sh, wait_until

MIB = 1 << 20


@pytest.fixture
def guest(request, drover, owner):
    assert owner.request(1, "--kind", request.param)["outcome"] == "done"
    return owner.names()[0]


def both_kinds(test):
    return pytest.mark.parametrize("guest", ("vm", "container"), indirect=True)(test)


def print_there(owner, guest, text):
    owner.ssh(guest, f"echo {text} >/dev/console")


def log_of(drover, guest, *more):
    answer = drover.say("logs", guest, *more)
    assert answer.code == 0, answer.err
    return answer.out


def folder_of(drover, guest):
    return drover.state / "consoles" / str(drover.guest(guest)["id"])


def wait_for_text(drover, guest, text, *more):
    wait_until(lambda: text in log_of(drover, guest, *more), f"{text} is in the log")


@pytest.mark.promise("CONSOLE-5")
@both_kinds
def test_each_start_has_its_log_and_a_retired_guest_none(drover, owner, guest):
    print_there(owner, guest, "first-start")
    wait_for_text(drover, guest, "first-start")
    assert f"-- {guest} started 20" in log_of(drover, guest)
    for start in ("second", "third", "fourth"):
        drover.ask("restart", guest)
        print_there(owner, guest, f"{start}-start")
        wait_for_text(drover, guest, f"{start}-start")
    assert "third-start" not in log_of(drover, guest)
    assert "third-start" in log_of(drover, guest, "--previous")
    assert "second-start" in log_of(drover, guest, "--boot", 2)
    error = drover.refuse(3, "logs", guest, "--boot", 3)  # consoles.boots is 3
    assert "no log of 3 starts ago" in error["message"]
    folder = folder_of(drover, guest)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    drover.ask("retire", guest, "--yes")
    assert not folder.exists()
    assert log_of(drover, guest) == ""
    assert drover.findings() == []


@pytest.mark.promise("CONSOLE-5")
@both_kinds
def test_a_new_daemon_goes_on(drover, owner, guest):
    print_there(owner, guest, "before-it")
    wait_for_text(drover, guest, "before-it")
    drover.kill()
    drover.start()
    wait_until(lambda: door.ask(drover.socket, "GET", f"/v1/guests/{guest}/console")[1]["open"], "it is read again")
    print_there(owner, guest, "after-it")
    wait_for_text(drover, guest, "after-it")
    log = log_of(drover, guest)
    assert log.index("before-it") < log.index("droverd was away") < log.index("after-it")


@pytest.mark.promise("CONSOLE-5")
@both_kinds
def test_a_flood_is_bounded_and_harms_nobody(drover, owner, guest, full):
    owner.ssh(guest, "(yes this-is-a-flood-of-words >/dev/console 2>/dev/null &) >/dev/null 2>&1 </dev/null")
    folder = folder_of(drover, guest)
    size = lambda: sum(file.stat().st_size for file in folder.glob("*.*"))
    turned = lambda: any(file.suffix == ".old" for file in folder.iterdir())
    wait_until(turned, "the older half is put aside", timeout=300)
    for _ in range(50 if full else 5):
        before = log_of(drover, guest, "--lines", 1)
        assert size() <= MIB + 8192
        assert owner.ssh(guest, "echo well") == "well"
        assert drover.guest(guest)["phase"] == "ready"
        assert before
    text = log_of(drover, guest)
    assert MIB / 2 - 8192 < len(text.replace("\n", "\r\n")) <= MIB + 8192
    drover.ask("restart", guest)
    assert drover.guest(guest)["phase"] == "ready"


@pytest.mark.promise("CONSOLE-6")
@pytest.mark.parametrize("guest", ["container"], indirect=True)
def test_what_a_hostile_guest_prints_does_nothing_to_a_terminal(drover, owner, guest):
    owner.ssh(
        guest,
        r"""printf 'A\033[2J\033]0;title\007B\033[31mC\rD\233E\302\233F\342\200\256G\bH\303\244I\0J\nend-of-it\n' >/dev/console""",
    )
    wait_for_text(drover, guest, "end-of-it")
    line = next(line for line in log_of(drover, guest).splitlines() if line.startswith("AB"))
    assert line == "ABCD?E?F?G?HäI?J"
    raw = subprocess.run(
        [BIN / "drover", "logs", guest, "--raw"],
        env={"PATH": os.environ["PATH"], "DROVER_SOCKET": str(drover.socket)},
        capture_output=True,
    ).stdout
    assert b"A\x1b[2J\x1b]0;title\x07B\x1b[31mC\rD\x9bE" in raw


@pytest.mark.promise("CONSOLE-5")
@pytest.mark.parametrize("guest", ["container"], indirect=True)
def test_followed_until_it_is_gone(drover, owner, guest):
    follower = subprocess.Popen(
        [BIN / "drover", "logs", guest, "--follow"],
        env={"PATH": os.environ["PATH"], "DROVER_SOCKET": str(drover.socket)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        print_there(owner, guest, "while-followed")
        assert any("while-followed" in line for line in follower.stdout)
        drover.ask("restart", guest)
        print_there(owner, guest, "started-anew")
        assert any("started-anew" in line for line in follower.stdout)
        drover.ask("retire", guest, "--yes")
        assert follower.wait(30) == 0
    finally:
        follower.kill()


@pytest.mark.parametrize("guest", ["container"], indirect=True)
def test_follow_ends_on_ctrl_c(drover, guest):
    follower = subprocess.Popen(
        [BIN / "drover", "logs", guest, "--follow"],
        env={"PATH": os.environ["PATH"], "DROVER_SOCKET": str(drover.socket)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "started" in follower.stdout.readline()
    follower.send_signal(signal.SIGINT)
    assert follower.wait(30) == 130


def test_what_makes_no_sense_is_refused(drover, owner):
    owner.request(1, "--kind", "container")
    (name,) = owner.names()
    assert drover.refuse(2, "logs", name, "--boot", "-1")
    assert drover.refuse(2, "logs", name, "--lines", "0")
    assert drover.refuse(2, "logs", name, "--previous", "--boot", "2")
    assert drover.refuse(2, "logs", name, "--previous", "--follow")
    assert drover.refuse(3, "logs", "nobody-7")
    assert len(log_of(drover, name, "--lines", 1).splitlines()) == 1
