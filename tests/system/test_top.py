"""drover top: one look for pipes, and a screen that is left as it was found."""
import signal

import pytest
from drover import wait_until
from terminal import Terminal


@pytest.mark.promise("TOP-1")
def test_one_frame_tells_of_the_herd(drover, owner):
    owner.request(2, "--kind", "container")
    answer = drover.say("top", "--once")
    assert answer.code == 0, answer.err
    assert "\x1b" not in answer.out
    lines = answer.out.splitlines()
    assert lines[0].startswith("drover ") and f"instance {drover.instance}" in lines[0]
    heading = next(line.split() for line in lines if line.split()[:2] == ["KIND", "ALL"])
    row = next(line.split() for line in lines if line.split()[:1] == ["container"])
    assert int(row[heading.index("ready")]) >= 2
    for word in ("waves", "pressure", "last events", "start", "stop", "upgrade", "refill"):
        assert word in answer.out
    assert owner.names()[1] in answer.out  # in the last events
    seen = drover.ask("top")
    assert sum(each["count"] for each in seen["guests"] if each["phase"] == "ready") >= 2
    assert {wave["class"] for wave in seen["waves"]} == {"stop", "start", "upgrade", "refill"}


@pytest.mark.promise("TOP-1")
def test_a_pool_and_an_operation_are_seen(drover, owner):
    drover.ask("pool", "set", "tiny", "--kind", "container", "--stopped", "1")
    try:
        assert "tiny" in drover.say("top", "--once").out
        operation = drover.ask("request", "--owner", owner.name, "--count", "1", "--no-wait")["operation"]
        seen = drover.ask("top")
        done = drover.ask("operations", operation)[0]["outcome"] != "running"
        assert done or operation in [each["id"] for each in seen["operations"]]
    finally:
        drover.ask("pool", "drain", "tiny", "--kind", "container")
        wait_until(lambda: drover.ask("pool", "list") == [], "the pool is drained")
        owner.wait_for("ready", 1)


@pytest.mark.promise("TOP-1")
@pytest.mark.parametrize("how", ["q", "\x03", signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_terminal_is_left_as_it_was(drover, how):
    with Terminal(drover, "top", "--interval", "200ms") as terminal:
        terminal.expect(r"\x1b\[\?1049h\x1b\[\?25l")
        terminal.expect("last events")
        terminal.expect("last events")  # drawn again
        assert terminal.is_raw()
        if isinstance(how, str):
            terminal.type(how)
            assert terminal.end() == 0
        else:
            terminal.kill(how)
            assert terminal.end() == (-9 if how == signal.SIGKILL else 130)
        wait_until(terminal.is_as_before, "the terminal is as before")
        terminal.expect(r"\x1b\[\?25h\x1b\[\?1049l") if how == signal.SIGKILL else None
        assert terminal.seen.endswith("\x1b[?1049l") or how == signal.SIGKILL or "interrupted" in terminal.seen


def test_it_goes_on_when_the_daemon_does(drover):
    with Terminal(drover, "top", "--interval", "200ms") as terminal:
        terminal.expect("last events")
        drover.stop()
        terminal.expect("no daemon listens")
        drover.start()
        terminal.expect("last events")
        terminal.type("q")
        assert terminal.end() == 0


def test_what_makes_no_sense_is_refused(drover):
    assert drover.refuse(2, "top", "--interval", "0")
    assert drover.refuse(2, "top", "--interval", "soon")
