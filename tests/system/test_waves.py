"""Mass starts and stops go in waves that people set, watch, hold and cancel: WAVE-5 to WAVE-7."""
import xml.etree.ElementTree

import pytest
from drover import TINY, Drover, wait_until

STATE = "/var/lib/drover-waves"
SIZE, INTERVAL = 5, 2  # of the staircase: 5/2s


@pytest.fixture(scope="module")
def drover():
    """A daemon whose guests are simulated: they start within milliseconds, so a wave alone decides when."""
    drover = Drover(
        "waves",
        f"hosts: [{{name: local, vm_uri: 'fake://{STATE}/hypervisor'}}]\n"
        "network: {cidr: 10.48.0.0/20, host_names: none}\n"
        "testing: {enabled: true, guests: simulated}\n",
    )
    drover.start()
    drover.ask("image", "build", TINY)
    drover.ask("owner", "set", "alice", "--quota", 200)
    yield drover
    drover.stop()


@pytest.fixture
def stopped(drover, full):
    """So many guests that are off."""
    count = 100 if full else 20
    drover.ask("request", "--owner", "alice", "--count", count)
    drover.ask("stop", "--all")
    return count


def operation(drover, name):
    (found,) = drover.ask("operations", name)
    return found


def begins(found):
    return sorted(item["begun"] for item in found["items"] if item["begun"] is not None)


def begin_wave(drover, *arguments):
    return drover.ask("start", "--all", *arguments, "--no-wait")["operation"]


@pytest.mark.promise("WAVE-5")
def test_the_classic_staircase(drover, stopped, full, figure, tmp_path):
    size, interval = (15, 30) if full else (SIZE, INTERVAL)
    plan = drover.ask("start", "--all", "--wave", f"{size}/{interval}s", "--plan")
    assert {guest["phase"] for guest in drover.guests()} == {"stopped"}, "a plan changed something"
    assert [guest["begin"] for guest in plan["guests"]] == [n // size * interval for n in range(stopped)]

    name = begin_wave(drover, "--wave", f"{size}/{interval}s")
    wait_until(lambda: operation(drover, name)["finished"], "the wave is over", 300)
    found = operation(drover, name)
    assert (found["outcome"], found["wave"]) == ("done", f"{size}/{interval}s")
    stairs = [round(begun / interval) for begun in begins(found)]
    figure("stairs", stairs[-1] + 1, f"of {size} each {interval} s: {stopped} guests in {begins(found)[-1]:.1f} s")
    assert stairs == [n // size for n in range(stopped)]

    picture = tmp_path / "wave.svg"
    assert drover.say("operations", name, "--plot", picture).code == 0
    assert xml.etree.ElementTree.parse(picture).getroot().tag.endswith("svg")


@pytest.mark.promise("WAVE-6")
def test_paused_resumed_and_cancelled(drover, stopped):
    name = begin_wave(drover, "--wave", "3/1h")
    wait_until(lambda: operation(drover, name)["done"] == 3, "the first three are ready")
    assert operation(drover, name)["paused"] is False
    (paused,) = drover.ask("pause", name)
    assert paused["paused"] is True
    (resumed,) = drover.ask("resume", name)
    assert (resumed["paused"], resumed["outcome"]) == (False, "running")
    drover.ask("cancel", name)
    wait_until(lambda: operation(drover, name)["finished"], "it is over")
    over = operation(drover, name)
    assert over["outcome"] == "cancelled"
    assert sorted(item["outcome"] for item in over["items"]) == ["cancelled"] * (stopped - 3) + ["done"] * 3
    assert sorted(guest["desired"] for guest in drover.guests()) == ["ready"] * 3 + ["stopped"] * (stopped - 3)
    for verb in ("pause", "resume", "cancel"):
        assert drover.refuse(4, verb, name)["message"].startswith(name)
    assert drover.findings() == []


@pytest.mark.promise("WAVE-6")
def test_killed_in_mid_wave_it_goes_on_as_it_was_told(drover, stopped):
    name = begin_wave(drover, "--wave", f"{SIZE}/{INTERVAL}s")
    wait_until(lambda: operation(drover, name)["done"] >= SIZE, "the first stair is done")
    drover.kill()
    drover.start()
    wait_until(lambda: operation(drover, name)["finished"], "the wave is over", 300)
    found = operation(drover, name)
    assert found["outcome"] == "done"
    times = begins(found)
    for first, beyond in zip(times, times[2 * SIZE :]):
        assert beyond - first > INTERVAL / 2, "a restart lets one stair more begin at most"
    assert {guest["phase"] for guest in drover.guests()} == {"ready"}
    assert drover.findings() == []


@pytest.mark.promise("WAVE-7")
@pytest.mark.parametrize("wave", ["", "15/", "0/30s", "in_flight=0", "quickly", "adaptive,adaptive", "x" * 300])
def test_a_wave_that_makes_no_sense_is_refused(drover, wave):
    before = drover.ask("operations")
    assert drover.call("start", "--all", "--wave", wave).code == 2
    assert drover.ask("operations") == before


@pytest.mark.promise("WAVE-7")
def test_what_is_held_says_why(drover, stopped):
    name = begin_wave(drover, "--wave", "1/1h")
    wait_until(lambda: operation(drover, name)["done"] == 1, "the first is ready")
    outlook = operation(drover, name)
    assert outlook["waits_for"].startswith("the next start in ") and "1 per 1h" in outlook["waits_for"]
    assert (stopped - 2) * 3600 - 60 < outlook["ends_in"] < (stopped - 1) * 3600 + 60
    drover.ask("cancel", name)
