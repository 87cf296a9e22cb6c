"""What is written of guests and lasts: protection, and whose they are."""
import pytest
from drover import Owner, wait_until


@pytest.mark.promise("IMAGE-8")
def test_a_protected_guest_is_neither_rebuilt_nor_retired(drover, owner):
    owner.request(2, "--kind", "container")
    first, second = owner.names()
    assert drover.ask("protect", first)["changed"] == [first]
    for verb in ("rebuild", "retire"):
        refused = drover.refuse(4, verb, "--owner", owner.name, "--yes")
        assert first in refused["message"] and "--off" in refused["hint"]
    assert owner.phases() == {first: "ready", second: "ready"}
    assert drover.ask("show", first)["protected"] is True
    drover.ask("protect", "--off", first)
    drover.ask("retire", first, "--yes")


@pytest.mark.promise("IMAGE-8")
def test_a_guest_that_is_given_away_lets_its_new_owner_in_alone(drover, owner, keys):
    owner.request(1, "--kind", "container")
    (name,) = owner.names()
    owner.ssh(name, "echo mine >/home/kept")
    other = Owner(drover, "heir", keys, quota=1)
    assert drover.ask("give", name, "--owner", other.name)["changed"] == [name]
    wait_until(lambda: other.try_ssh(name, "cat /home/kept").stdout == "mine\n", "its new owner is let in")
    assert owner.try_ssh(name, "true").returncode != 0
    assert owner.names() == [] and other.names() == [name]
    other.retire_all()
    assert drover.findings() == []
