"""The wall clock is set years ahead and back, while the daemon runs and while it does not: nothing that rests is given
out early, nothing that is kept is forgotten early, and no guest notices."""
import os
import pathlib

import pytest
from bad_days import add_owner, await_ready, built_state, by_name, messages, put_state, remove, simulated
from drover import wait_until

LIBRARY = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
YEARS = ("+10y", "-10y", "+20y", "+0")
FIVE = "10.57.0.0/29"  # addresses for guests, beside the gateway's


class Clock:
    """The wall clock of one daemon; its other clocks are the kernel's."""

    def __init__(self, drover, file):
        self.file = file
        self.set("+0")
        drover.environment = os.environ | {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset):
        aside = self.file.with_suffix(".new")
        aside.write_text(f"{offset}\n")
        aside.rename(self.file)


@pytest.fixture(scope="module")
def seed():
    return built_state()


@pytest.fixture
def make(seed, tmp_path):
    """make(settings of the network): a running daemon whose clock can be set, and that clock."""
    made = []

    def start(quarantine):
        drover = simulated("clock", FIVE)
        drover.config.write_text(drover.config.read_text().replace("quarantine: 1h", f"quarantine: {quarantine}"))
        put_state(seed, drover)
        made.append(drover)
        clock = Clock(drover, tmp_path / "offset")
        drover.start()
        add_owner(drover)
        return drover, clock

    yield start
    for drover in made:
        remove(drover)


def year_of(drover):
    """The year that the daemon writes into what it does now."""
    return int(drover.ask("operations")[0]["created"][:4])


@pytest.mark.promise("TRUST-13")
@pytest.mark.parametrize("when", ["while it runs", "while it is away"])
def test_years_ahead_and_back(make, when):
    drover, clock = make("1h")
    keyed = ("request", "--owner", "alice", "--count", 5, "--idempotency-key", "five")
    first = drover.ask(*keyed)["operation"]
    drover.ask("retire", "alice-5", "--yes")
    before = by_name(drover)
    year = year_of(drover)
    for offset in YEARS:
        if when == "while it is away":
            drover.stop()
        clock.set(offset)
        if when == "while it is away":
            drover.start()
        refused = drover.refuse(4, "request", "--owner", "alice", "--count", 5)
        assert "no free address" in refused["message"], "the address rests"
        assert drover.ask(*keyed)["operation"] == first, "the answer is kept"
        drover.ask("owner", "set", "alice", "--quota", 50)
        drover.ask("stop", "alice-4")
        assert year_of(drover) - year == int(offset.strip("+y")), "the daemon saw the clock jump"
        drover.ask("start", "alice-4")
    await_ready(drover, before)
    now = by_name(drover)
    for name in ("alice-1", "alice-2", "alice-3"):
        assert now[name] == before[name]
    assert [said for said in messages(drover) if "nobody asked" in said or "silent" in said] == []
    assert drover.findings() == []


@pytest.mark.promise("TRUST-13")
def test_a_rest_ends_when_its_time_has_passed(make):
    """Years back, too: what was released before the jump rests no longer than it should."""
    drover, clock = make("2s")
    drover.ask("request", "--owner", "alice", "--count", 5)
    drover.ask("retire", "alice-5", "--yes")
    clock.set("-10y")
    wait_until(
        lambda: drover.call("request", "--owner", "alice", "--count", 5, "--no-wait").code == 0, "the rest is over", 30
    )
