"""64 clients at once on simulated guests: nothing is given out twice, nobody waits long: TRUST-15."""
import contextlib
import os
import sqlite3

import pytest
from crowd import OWNERS, Crowd
from drover import TINY, Drover, assert_all_different, wait_until

pytestmark = pytest.mark.promise("TRUST-15")

CLIENTS = 64
QUOTA = 40


@pytest.fixture
def drover():
    """A daemon whose guests are simulated. Addresses rest for so long that none is ever given out again."""
    drover = Drover(
        "load",
        "hosts: [{name: local, vm_uri: 'fake:///var/lib/drover-load/hypervisor'}]\n"
        "network: {cidr: 10.48.0.0/16, host_names: none, quarantine: 24h}\n"
        "testing: {enabled: true, guests: simulated}\n",
    )
    drover.start()
    drover.ask("image", "build", TINY)
    for owner in OWNERS:
        drover.ask("owner", "set", owner, "--quota", QUOTA)
    yield drover
    drover.stop()


def rows(drover, query):
    """Of the registry's file, which the daemon has open: read by somebody else."""
    with contextlib.closing(sqlite3.connect(f"file:{drover.state}/registry.db?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


def assert_settles(drover):
    def settled():
        return all(guest["phase"] == guest["desired"] for guest in drover.guests())

    wait_until(settled, "all guests are where they are wanted", 180)
    assert [guest["fault"] for guest in drover.guests()] == [None] * len(drover.guests())
    assert drover.findings() == []


def assert_nothing_was_given_out_twice(drover, made):
    everything = rows(drover, "SELECT id, name, address FROM guests")  # tombstones, too
    for values in zip(*everything, strict=True):
        assert_all_different(values)
    assert_all_different([mac for (mac,) in rows(drover, "SELECT mac FROM guests WHERE phase <> 'gone'")])
    assert sorted(made) == sorted(name for _, name, _ in everything)


def test_64_clients_at_once(drover, chance, figure, full):
    crowd = Crowd(drover.socket, chance, CLIENTS, 10_000 if full else 1_000)
    figure("requests", sum(crowd.statuses.values()), f"answered {dict(sorted(crowd.statuses.items()))}")
    figure("p50", crowd.percentile(50), "ms")
    figure("p99", crowd.percentile(99), f"ms, load average {os.getloadavg()[0]:.0f} (promised: under 100)")
    figure("p99 of those that read", crowd.percentile(99, ["GET"]), "ms")
    figure("p99 of those that write", crowd.percentile(99, ["POST", "PUT"]), "ms")
    figure("guests made", len(crowd.made), "")
    assert crowd.wrong == []
    assert_settles(drover)
    assert_nothing_was_given_out_twice(drover, crowd.made)
    if full:
        assert crowd.percentile(99) < 100
