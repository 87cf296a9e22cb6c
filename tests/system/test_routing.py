"""Routers around this host learn the prefix of a routed network from FRR, whom Drover tells it, and lose it with the
network."""
import json

import pytest
from drover import Drover, Owner, sh, wait_until
from routers import cable, routers

PREFIX = "10.90.16.0/24"
SETTINGS = f"""\
network: {{mode: routed, cidr: {PREFIX}, cidr6: none, host_names: none}}
routing: {{protocol: ospf, area: 0.0.0.0, interfaces: [to-near], pathspace: host}}
timeouts: {{ready: 300s, stop: 60s}}
"""


@pytest.fixture
def around():
    """This host, a router beside it, and one behind that."""
    with routers("near", "far") as (host, near, far):
        cable(host, "to-near", "10.99.1.1/30", near, "to-host", "10.99.1.2/30")
        cable(near, "to-far", "10.99.2.1/30", far, "from-near", "10.99.2.2/30")
        host.neighbours_at("to-near")
        near.neighbours_at("to-host", "to-far")
        far.neighbours_at("from-near")
        yield host, near, far
    sh("ip", "link", "del", "to-near", check=False)


@pytest.fixture
def drover():
    one = Drover("route", SETTINGS)
    yield one
    one.stop()


@pytest.mark.promise("NET-9")
def test_routers_learn_the_prefix_and_lose_it(around, drover, keys):
    host, near, far = around
    drover.start()
    drover.ask("image", "build", "tiny")
    owner = Owner(drover, "ann", keys, quota=2)
    owner.request(1, "--kind", "container")
    for router in (near, far):
        wait_until(lambda: router.knows(PREFIX), f"{router.name} knows the guests' prefix", 120)
    address = drover.guest(owner.names()[0])["address"]
    assert "1 received" in far.sh("ping", "-c1", "-W5", address), "from far away to a guest, and back"
    told = [json.loads(line)["message"] for line in drover.call("events").out.splitlines()]
    assert "FRR announces the guests' networks" in told

    host.stop()  # FRR restarts, and has forgotten what it was told
    host.start()
    host.neighbours_at("to-near")
    wait_until(lambda: far.knows(PREFIX), "it is told again", 120)

    drover.ask("stop", *owner.names())
    drover.stop()
    sh("virsh", "net-destroy", "route")
    for router in (near, far):
        wait_until(lambda: not router.knows(PREFIX), f"{router.name} has lost it", 120)
    drover.start()
    drover.ask("start", *owner.names())  # a bridge without guests leads nowhere
    wait_until(lambda: far.knows(PREFIX), "it is back with the network", 120)
    owner.retire_all()


@pytest.mark.promise("NET-9")
def test_without_frr_it_says_so_and_goes_on(drover, keys):
    drover.start()
    drover.ask("image", "build", "tiny")
    owner = Owner(drover, "ann", keys, quota=2)
    owner.request(1, "--kind", "container")

    def told():
        return [json.loads(line)["message"] for line in drover.call("events").out.splitlines()]

    wait_until(lambda: any(message.startswith("FRR cannot be told") for message in told()), "an event tells")
    owner.retire_all()
