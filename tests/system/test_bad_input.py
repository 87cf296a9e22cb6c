"""Malformed requests are refused, all of them, and change nothing: TRUST-4."""
import contextlib
import json
import sqlite3
import subprocess

import pytest
from drover import BIN, wait_until
from malformed import Malformed
from rawhttp import ask, exchange

pytestmark = pytest.mark.promise("TRUST-4")


def tables(drover):
    """All rows of the registry, but for what the daemon says about itself."""
    with contextlib.closing(sqlite3.connect(f"file:{drover.state}/registry.db?mode=ro", uri=True)) as file:
        names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        rows = {name: file.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
        rows["events"] = file.execute("SELECT * FROM events WHERE kind <> 'daemon'").fetchall()
        rows["notes"] = file.execute("SELECT * FROM notes WHERE key <> 'certain-time'").fetchall()
    return rows


@pytest.fixture(scope="module")
def sample(daemon):
    """An owner with one guest that is ready: "sample" and "sample-1"."""
    daemon.ask("owner", "set", "sample", "--quota", 20)
    daemon.ask("request", "--owner", "sample", "--count", 1)
    wait_until(lambda: is_quiet(daemon), "its services are known, and its template is made")
    yield "sample"
    daemon.ask("retire", "--owner", "sample", "--yes")
    daemon.ask("owner", "remove", "sample")


def is_quiet(drover):
    known = all(row["state"] != "unknown" for row in drover.ask("service", "sample-1"))
    made = [one["state"] for row in drover.ask("image", "list") for one in row["templates"]]
    return known and not {"queued", "making"} & set(made)


def seen(drover):
    """What people see of it."""
    verbs = ("list --gone", "owner list", "operations --limit 10000", "image list")
    return {verb: drover.ask(*verb.split()) for verb in verbs}


@pytest.fixture
def calm(drover, sample):
    """A daemon with nothing to do, which nothing may change."""
    before = seen(drover), tables(drover), drover.process.pid
    yield drover
    assert drover.process.poll() is None and drover.process.pid == before[2], drover.log_tail()
    assert (seen(drover), tables(drover)) == before[:2]


def fault_of(drover, case):
    """What is wrong with how the daemon answers; nothing when it refuses as it should."""
    try:
        replies = exchange(drover.socket, case.data)
        assert replies or not case.http, "closed without an answer"
        for reply in replies:
            assert 400 <= reply.status < 500 and reply.message, (reply.status, reply.json)
    except (AssertionError, TimeoutError, ValueError, KeyError) as error:
        return f"{case.what}: {case.data[:300]!r}: {repr(error)[:300]}"


def test_malformed_requests_are_refused_and_change_nothing(calm, sample, chance, full, figure):
    malformed = Malformed(chance, {"owner": sample, "globs": [f"{sample}-*"], "id": "o-1"})
    count = 10_000 if full else 1_500
    wrong = [fault for fault in (fault_of(calm, malformed.case()) for _ in range(count)) if fault]
    figure("malformed requests refused", count - len(wrong), f"of {count}, {len(malformed.routes)} routes")
    assert not wrong, "\n".join([f"{len(wrong)} of {count}", *wrong[:20]])


COUNT = {"count": 1, "owner": "OWNER"}
NO_COUNTS = (0, -1, 10**9, 1.5, "ten", None, True, 2**63)


@pytest.mark.parametrize(
    "method, target, body, status, named",
    [
        *[("POST", "/v1/guests", {**COUNT, "count": n}, 400, json.dumps(n)) for n in NO_COUNTS],
        ("POST", "/v1/guests", {**COUNT, "owner": "a b"}, 400, "a b"),
        ("POST", "/v1/guests", {**COUNT, "owner": "a\0b"}, 400, "a\\u0000b"),
        ("POST", "/v1/guests", {**COUNT, "owner": "../x"}, 400, "../x"),
        ("POST", "/v1/guests", {**COUNT, "owner": "аlice"}, 400, "аlice"),
        ("POST", "/v1/guests", {**COUNT, "owner": "nobody"}, 404, "nobody"),
        ("POST", "/v1/guests", {**COUNT, "owner": ["x"]}, 400, '["x"]'),
        ("POST", "/v1/guests", {**COUNT, "image": "no-such"}, 404, "no-such"),
        ("POST", "/v1/guests", {**COUNT, "profile": "no-such"}, 404, "no-such"),
        ("POST", "/v1/guests", {**COUNT, "kind": "jail"}, 400, "jail"),
        ("POST", "/v1/guests", {**COUNT, "kind": "v\0m"}, 400, "v\\u0000m"),
        ("POST", "/v1/guests", {**COUNT, "colour": "red"}, 400, "colour"),
        ("POST", "/v1/changes", {"verb": "explode", "all": True}, 400, "explode"),
        ("POST", "/v1/changes", {"verb": "stop", "globs": ["no-such-1"]}, 404, "no-such-1"),
        ("POST", "/v1/changes", {"verb": "stop", "globs": ["[a"]}, 400, "[a"),
        ("POST", "/v1/changes", {"verb": "stop", "owner": "nobody"}, 404, "nobody"),
        ("PUT", "/v1/owners/Alice", {}, 400, "Alice"),
        ("PUT", "/v1/owners/x%20y", {}, 400, "x y"),
        ("PUT", "/v1/owners/alice", {"quota": -1}, 400, "-1"),
        ("PUT", "/v1/owners/alice", {"keys": ["ssh-rot13 AAAA"]}, 400, "ssh-rot13"),
        ("PUT", "/v1/owners/alice", {"login": "a b"}, 400, "a b"),
        ("POST", "/v1/images/no-such/build", {}, 404, "no-such"),
        ("POST", "/v1/images/tiny/build", {"now": 1}, 400, "now"),
        ("GET", "/v1/guests/no-such", None, 404, "no-such"),
        ("GET", "/v1/guests?owner=a%2Fb", None, 400, "a/b"),
        ("GET", "/v1/guests?colour=red", None, 400, "colour"),
        ("GET", "/v1/guests?where=colour%3Dred", None, 400, "colour"),
        ("GET", "/v1/operations/12", None, 400, "12"),
        ("GET", "/v1/operations?limit=ten", None, 400, "ten"),
        ("GET", "/v1/events?since=-1", None, 400, "-1"),
        ("GET", "/v2/guests", None, 404, "/v2/guests"),
        ("BREW", "/v1/guests", None, 404, "BREW"),
    ],
)
def test_a_refusal_names_the_value_at_fault(drover, sample, method, target, body, status, named):
    text = b"" if body is None else json.dumps(body).replace("OWNER", sample).encode()
    reply = ask(drover.socket, method, target, text)
    assert (reply.status, named in reply.message) == (status, True), reply.json


# NUL cannot stand in a command line.
BAD_NAMES = ("", "a b", "a/b", "..", "x" * 300, "аlice", "Alice", "a\nb")
BAD_COUNTS = ("0", "-1", "1000000000", "1.5", "1e3", "ten", "", str(2**63), str(2**64))


@pytest.mark.parametrize(
    "code, arguments",
    [
        *[(2, ("request", "--count", count, "--owner", "OWNER")) for count in BAD_COUNTS],
        *[(2, ("request", "--count", 1, "--owner", name)) for name in BAD_NAMES],
        *[(2, ("request", "--count", 1, "--owner", "OWNER", "--image", name)) for name in BAD_NAMES],
        *[(2, ("request", "--count", 1, "--owner", "OWNER", "--profile", name)) for name in BAD_NAMES],
        *[(2, (verb, name)) for verb in ("list", "start", "stop", "restart") for name in BAD_NAMES],
        *[(2, (verb, name, "--yes")) for verb in ("rebuild", "retire") for name in BAD_NAMES],
        *[(2, ("owner", verb, name)) for verb in ("set", "remove") for name in BAD_NAMES],
        *[(2, ("image", "build", name)) for name in BAD_NAMES],
        (2, ("request", "--count", 1, "--owner", "OWNER", "--kind", "jail")),
        (2, ("request", "--count", 1, "--owner", "OWNER", "--colour", "red")),
        (2, ("request", "--count", 1, "--owner", "OWNER", "--idempotency-key", "a b")),
        (2, ("explode", "alice-1")),
        (2, ("owner", "set", "alice", "--quota", "ten")),
        (2, ("retire", "sample-1")),
        (3, ("show", "no-such-1")),
        (3, ("stop", "no-such-*")),
        (3, ("request", "--count", 1, "--owner", "nobody")),
        (3, ("request", "--count", 1, "--owner", "OWNER", "--image", "no-such")),
        (3, ("request", "--count", 1, "--owner", "OWNER", "--profile", "no-such")),
        (3, ("owner", "remove", "nobody")),
        (3, ("operations", "o-999999")),
        (4, ("request", "--count", 10000, "--owner", "OWNER")),
    ],
)
def test_the_client_refuses_with_the_exit_codes_of_the_contract(drover, sample, code, arguments):
    arguments = [sample if word == "OWNER" else word for word in arguments]
    error = drover.refuse(code, *arguments)
    assert error["kind"] == {2: "usage", 3: "not-found", 4: "refused"}[code]
    assert error["message"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_show_refuses_a_bad_name(drover, name):
    """By form or because there is no such guest: nobody has that name."""
    answer = drover.call("show", name)
    assert answer.code in (2, 3) and answer.error["message"]


def test_check_config_says_all_that_is_wrong_with_file_and_line(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("instance: Lab\ncolour: blue\nguest:\n  cpus: two\n  cpus: 2\nhosts: []\n")
    done = subprocess.run([BIN / "droverd", "--check-config", file], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    for line, value in ((1, "'Lab'"), (2, "colour"), (4, "'two'"), (5, "guest.cpus"), (6, "hosts")):
        assert any(f"{file}:{line}: " in said and value in said for said in done.stderr.splitlines()), done.stderr
    file.write_text("instance: lab\n")
    assert subprocess.run([BIN / "droverd", "--check-config", file], capture_output=True, timeout=60).returncode == 0
