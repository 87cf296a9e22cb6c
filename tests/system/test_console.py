"""The console of a guest: sat at, left, taken over, closed; and the terminal is always what it was before."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import door
import pytest
from bad_days import events, last_event
from drover import BIN, sh, wait_until
from terminal import Terminal

KINDS = ("vm", "container")
OWNER, STRANGER = "con-owner", "con-stranger"
PROMPT = r"@[a-z0-9-]+:[^\r\n]*[#$] "


@pytest.fixture(scope="module")
def accounts():
    for account in (OWNER, STRANGER):
        sh("useradd", "--no-create-home", account)


@pytest.fixture
def guest(request, drover, owner):
    """The name of a guest of this kind that is ready."""
    assert owner.request(1, "--kind", request.param)["outcome"] == "done"
    return owner.names()[0]


def both_kinds(test):
    return pytest.mark.parametrize("guest", KINDS, indirect=True)(test)


def sit_down(terminal):
    """Until the guest's shell is there."""
    terminal.expect(r"Ctrl-\] leaves")
    wait_until(terminal.is_raw, "the terminal is raw")
    terminal.type("\r")
    terminal.expect(PROMPT)


def visitor(drover, guest):
    return door.ask(drover.socket, "GET", f"/v1/guests/{guest}/console")[1]["visitor"]


@pytest.mark.promise("CONSOLE-1")
@both_kinds
def test_a_command_is_answered_and_the_terminal_is_given_back(drover, guest):
    begin = last_event(drover)
    with Terminal(drover, "console", guest) as terminal:
        sit_down(terminal)
        terminal.type("echo $((6*7))-$(hostname)\r")
        terminal.expect(rf"42-{guest}\r\n")
        terminal.type("sh -c 'echo sle\"\"eping; exec sleep 1000'\r")
        terminal.expect(r"sleeping\r\n")
        terminal.type("\x03")  # the guest's, not the client's
        terminal.type("echo still-$((1+1))\r")
        terminal.expect(r"still-2\r\n")
        assert visitor(drover, guest)["who"] == "root"
        terminal.type("\x1d")
        assert terminal.end() == 0
        assert "left the console" in terminal.seen
        assert terminal.is_as_before()
    wait_until(lambda: visitor(drover, guest) is None, "nobody sits there")
    assert any(event["kind"] == "console" and event["guest"] == guest for event in events(drover, begin))


@pytest.mark.promise("CONSOLE-1")
@both_kinds
def test_its_owner_may_and_a_stranger_does_not_know_it(drover, owner, guest, accounts):
    drover.ask("owner", "set", owner.name, "--login", OWNER)
    with Terminal(drover, "console", guest, account=OWNER) as terminal:
        sit_down(terminal)
        assert visitor(drover, guest)["who"] == OWNER
        terminal.type("\x1d")
        assert terminal.end() == 0
    with Terminal(drover, "console", guest, account=STRANGER) as terminal:
        assert terminal.end() == 3
        assert "no guest" in terminal.seen


@pytest.mark.promise("CONSOLE-2")
@pytest.mark.parametrize("guest", ["container"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_the_terminal_is_given_back_when_the_client_is_killed(drover, guest, number):
    with Terminal(drover, "console", guest) as terminal:
        sit_down(terminal)
        terminal.kill(number)
        code = terminal.end()
        assert code == (-9 if number == signal.SIGKILL else 130)
        wait_until(terminal.is_as_before, "the terminal is as before")
    wait_until(lambda: visitor(drover, guest) is None, "nobody sits there")


@pytest.mark.promise("CONSOLE-2")
@pytest.mark.parametrize("guest", ["container"], indirect=True)
def test_a_closed_window_ends_the_client(drover, guest):
    with Terminal(drover, "console", guest) as terminal:
        sit_down(terminal)
        terminal.hang_up()
        terminal.process.wait(30)
    wait_until(lambda: visitor(drover, guest) is None, "nobody sits there")


@pytest.mark.promise("CONSOLE-2")
@both_kinds
def test_it_says_so_when_the_guest_ends(drover, guest):
    with Terminal(drover, "console", guest) as terminal:
        sit_down(terminal)
        terminal.type("poweroff\r")
        assert terminal.end(timeout=90) == 0
        assert f"the console of {guest} has closed" in terminal.seen
        assert terminal.is_as_before()
    wait_until(lambda: drover.guest(guest)["phase"] == "stopped", "it is off")
    error = drover.refuse(4, "console", guest)
    assert "stopped" in error["message"] and error["hint"] == f"drover start {guest}"


@pytest.mark.promise("CONSOLE-3")
@pytest.mark.parametrize("guest", ["container"], indirect=True)
def test_one_at_a_time_unless_by_force(drover, guest):
    with Terminal(drover, "console", guest) as first:
        sit_down(first)
        error = drover.refuse(4, "console", guest)
        assert "root sits at its console since 20" in error["message"] and "--force" in error["hint"]
        with Terminal(drover, "console", guest, "--force") as second:
            sit_down(second)
            assert first.end() == 1
            assert "root took the console" in first.seen
            assert first.is_as_before()
            second.type("echo $((40+2))\r")
            second.expect(r"42\r\n")


@pytest.mark.promise("CONSOLE-3")
@both_kinds
def test_it_works_in_a_pipe(drover, guest):
    done = subprocess.run(
        [BIN / "drover", "console", guest, "--linger", "5s"],
        env={"PATH": os.environ["PATH"], "DROVER_SOCKET": str(drover.socket)},
        input="\recho $((6*7))-piped\r",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "42-piped" in done.stdout
    assert done.stderr == ""


def sit_silently(drover, guest):
    """A connection at the console that nobody reads."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(str(drover.socket))
    body = b"{}"
    connection.sendall(
        b"POST /v1/guests/%s/console HTTP/1.1\r\nHost: drover\r\nConnection: Upgrade\r\nUpgrade: drover-console\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (guest.encode(), len(body), body)
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return connection


@pytest.mark.promise("CONSOLE-4")
@pytest.mark.parametrize("guest", ["container"], indirect=True)
def test_who_does_not_read_slows_neither_guest_nor_log(drover, owner, guest):
    with contextlib.closing(sit_silently(drover, guest)) as visitor_connection:
        visitor_connection.sendall(b"\r")
        visitor_connection.sendall(b"i=0; while [ $i -lt 40000 ]; do echo line-$i-of-many; i=$((i+1)); done; echo en''d\r")
        wait_until(lambda: "end\n" in drover.say("logs", guest).out.replace("\r", ""), "the guest has said it all", 120)
        begin = time.monotonic()
        assert drover.guest(guest)["phase"] == "ready"
        assert time.monotonic() - begin < 5
        received = b""
        visitor_connection.sendall(b"echo $((6*7))-again\r")
        while b"42-again" not in received:
            received = received[-100_000:] + visitor_connection.recv(65536)


@pytest.mark.promise("CONSOLE-4")
@pytest.mark.parametrize("guest", ["container"], indirect=True)
def test_a_guest_that_does_not_read_holds_its_visitor_alone(drover, owner, guest):
    with contextlib.closing(sit_silently(drover, guest)) as visitor_connection:
        visitor_connection.sendall(b"\rstty raw -echo; sleep 1000\r")
        visitor_connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(200):
                visitor_connection.send(b"x" * 65536)
        assert drover.guest(guest)["phase"] == "ready"
    with contextlib.closing(sit_silently(drover, guest)):
        pass
    drover.ask("restart", guest)
    assert drover.guest(guest)["phase"] == "ready"


@pytest.mark.promise("CONSOLE-1")
def test_a_fork_and_a_pools_member_have_consoles(drover, owner):
    """Of vms on their way from a template or a pool; a cold start is as good where there is no template yet."""
    owner.request(2)
    for name in owner.names():
        with Terminal(drover, "console", name) as terminal:
            sit_down(terminal)
            terminal.type("hostname\r")
            terminal.expect(rf"{name}\r\n")


def test_a_console_is_no_http(drover, owner):
    owner.request(1, "--kind", "container")
    (name,) = owner.names()
    status, answer = door.ask(drover.socket, "POST", f"/v1/guests/{name}/console", {})
    assert status == 400 and "Upgrade: drover-console" in answer["error"]["hint"]
    for body in ({"force": 1}, {"force": None}, {"farce": True}, []):
        assert door.ask(drover.socket, "POST", f"/v1/guests/{name}/console", body)[0] == 400


@pytest.mark.only_full  # for the image
@pytest.mark.promise("CONSOLE-1")
@pytest.mark.parametrize("kind", KINDS)
def test_debian_has_a_shell_at_its_console(drover, owner, kind):
    drover.ask("image", "build", "debian")
    assert owner.request(1, "--image", "debian", "--kind", kind)["outcome"] == "done"
    (name,) = owner.names()
    with Terminal(drover, "console", name) as terminal:
        sit_down(terminal)
        terminal.type("echo $((6*7))-$(hostname); sleep 1000\r")
        terminal.expect(rf"42-{name}\r\n")
        terminal.type("\x03")
        terminal.expect(PROMPT)
        terminal.type("systemctl is-system-running\r")
        terminal.expect(r"running\r\n")
        terminal.type("\x1d")
        assert terminal.end() == 0
    begin = time.monotonic()
    drover.ask("stop", name)  # the shell that was left there holds nobody up
    assert time.monotonic() - begin < 60
