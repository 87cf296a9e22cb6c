"""`drover request`: see that an owner has N."""
import pytest


@pytest.mark.promise("ROAD-3")
def test_a_request_makes_the_shortfall(drover, owner):
    drover.ask("owner", "set", owner.name, "--quota", 10)
    assert owner.request(5, "--no-wait")["created"] == [f"{owner.name}-{n}" for n in range(1, 6)]
    again = owner.request(5, "--no-wait")
    assert (again["created"], len(again["existing"]), again["outcome"]) == ([], 5, "done")
    assert len(owner.request(7, "--no-wait")["created"]) == 2
    assert len(owner.request(1, "--additional", "--no-wait")["created"]) == 1

    before = owner.names()
    error = drover.refuse(4, "request", "--owner", owner.name, "--count", 11)
    assert error["kind"] and "10" in error["message"]
    assert owner.names() == before and len(before) == 8


@pytest.mark.promise("ROAD-3")
def test_nothing_to_do_says_so_and_names_additional(drover, owner):
    owner.request(1)
    said = drover.say("request", "--owner", owner.name, "--count", 1)
    assert said.code == 0 and "--additional" in said.out, said.err


@pytest.mark.promise("ROAD-3")
@pytest.mark.parametrize(
    "code, arguments",
    [
        (2, ["request", "--owner", "nobody", "--count", "0"]),
        (2, ["request", "--owner", "nobody", "--count", "many"]),
        (2, ["no-such-verb"]),
        (2, ["retire", "--all"]),
        (3, ["request", "--owner", "nobody", "--count", "1"]),
        (3, ["show", "nobody-1"]),
        (3, ["start", "nobody-*"]),
        (3, ["owner", "remove", "nobody"]),
    ],
)
def test_a_refusal_has_its_exit_code_and_says_what_to_do(drover, code, arguments):
    error = drover.refuse(code, *arguments)
    assert set(error) == {"kind", "message", "hint"} and error["message"]
