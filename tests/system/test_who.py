"""Who may do what: every operation of schema/openapi.yaml as every role, by real accounts at the real socket."""
import dataclasses
import subprocess

import door
import pytest
import yaml
from drover import BIN, ROOT, TINY, Owner, sh, wait_until

GATEWAY = "www-data"
OWNER, OTHER, ADMIN, STRANGER = "who-owner", "who-other", "who-admin", "who-stranger"
DENIED = 403
NO_PASSWORD = f"$6$salt${'.' * 86}"

# Who a role is: the account at the socket, and whom it speaks for.
ROLES = {
    "root": ("root", None),
    "admin": (ADMIN, None),
    "owner": (OWNER, None),
    "stranger": (STRANGER, None),
    "gateway": (GATEWAY, OWNER),
}


@dataclasses.dataclass
class Things:
    """What one owner has."""

    owner: str
    guest: str
    operation: str
    keys: list
    version: str


# How each operation is asked about an owner's things: target and body. None of it changes anything.
ASKED = {
    "GET /v1/guests": lambda of: ("/v1/guests", None),
    "POST /v1/guests": lambda of: ("/v1/guests", {"owner": of.owner, "count": 1}),
    "GET /v1/guests/{name}": lambda of: (f"/v1/guests/{of.guest}", None),
    "GET /v1/guests/{name}/health": lambda of: (f"/v1/guests/{of.guest}/health", None),
    "GET /v1/guests/{name}/console": lambda of: (f"/v1/guests/{of.guest}/console", None),
    # Who may sit there is told that a console is no HTTP.
    "POST /v1/guests/{name}/console": lambda of: (f"/v1/guests/{of.guest}/console", {}),
    "GET /v1/guests/{name}/log": lambda of: (f"/v1/guests/{of.guest}/log", None),
    # Who may ask is told that there is no such copy, no such file; it changes nothing.
    "DELETE /v1/guests/{name}/copies/{copy}": lambda of: (f"/v1/guests/{of.guest}/copies/none", None),
    # Who may ask is told that this is never opened, or not open; it changes nothing.
    "POST /v1/guests/{name}/openings": lambda of: (f"/v1/guests/{of.guest}/openings", {"port": "1/tcp"}),
    "POST /v1/guests/{name}/openings/{port}/{protocol}": lambda of: (f"/v1/guests/{of.guest}/openings/1098/tcp", {}),
    "DELETE /v1/guests/{name}/openings/{port}/{protocol}": lambda of: (f"/v1/guests/{of.guest}/openings/1098/tcp", None),
    "GET /v1/openings": lambda of: (f"/v1/openings?glob={of.guest}", None),
    "GET /v1/copies": lambda of: (f"/v1/copies?glob={of.guest}", None),
    "POST /v1/imports": lambda of: ("/v1/imports", {"file": "/nonexistent", "owner": of.owner}),
    "POST /v1/changes": lambda of: ("/v1/changes", {"verb": "start", "globs": [of.guest]}),
    "POST /v1/shadows": lambda of: ("/v1/shadows", {"globs": [of.guest]}),
    "GET /v1/services": lambda of: (f"/v1/services?glob={of.guest}", None),
    # Nobody has what hashes to this; a service that is up is started.
    "POST /v1/services": lambda of: ("/v1/services", {"verb": "start", "service": "ssh", "globs": [of.guest]}),
    "POST /v1/keys": lambda of: ("/v1/keys", {"globs": [of.guest]}),
    "POST /v1/passwords": lambda of: ("/v1/passwords", {"guest": of.guest, "user": "root", "hash": NO_PASSWORD}),
    "POST /v1/settings": lambda of: ("/v1/settings", {"autostart": "last", "globs": [of.guest]}),
    "GET /v1/networks": lambda of: ("/v1/networks", None),
    "GET /v1/pools": lambda of: ("/v1/pools", None),
    # Who may ask is told that an image is to be named; it changes nothing.
    "POST /v1/pools": lambda of: ("/v1/pools", {}),
    "POST /v1/pools/drain": lambda of: ("/v1/pools/drain", {}),
    "GET /v1/metrics": lambda of: ("/v1/metrics", None),
    "GET /v1/health": lambda of: (f"/v1/health?glob={of.guest}", None),
    # Who may pause it is told that this is no time; it changes nothing, nor does ending a pause that is none.
    "POST /v1/health/pause": lambda of: ("/v1/health/pause", {"for": "soon"}),
    "POST /v1/health/resume": lambda of: ("/v1/health/resume", {}),
    "GET /metrics": lambda of: ("/metrics", None),
    "GET /v1/overview": lambda of: ("/v1/overview", None),
    "GET /v1/host": lambda of: ("/v1/host", None),
    # Who may stop it is told that this is no time; it changes nothing.
    "POST /v1/host/stop": lambda of: ("/v1/host/stop", {"budget": "soon"}),
    "POST /v1/host/start": lambda of: ("/v1/host/start", {}),
    "POST /v1/operations/{id}/pause": lambda of: (f"/v1/operations/{of.operation}/pause", {}),
    "POST /v1/operations/{id}/resume": lambda of: (f"/v1/operations/{of.operation}/resume", {}),
    "POST /v1/operations/{id}/cancel": lambda of: (f"/v1/operations/{of.operation}/cancel", {}),
    "GET /v1/operations": lambda of: ("/v1/operations?limit=10000", None),
    "GET /v1/operations/{id}": lambda of: (f"/v1/operations/{of.operation}", None),
    "GET /v1/events": lambda of: ("/v1/events?limit=10000", None),
    "GET /v1/owners": lambda of: ("/v1/owners", None),
    "GET /v1/owners/{name}": lambda of: (f"/v1/owners/{of.owner}", None),
    "PUT /v1/owners/{name}": lambda of: (f"/v1/owners/{of.owner}", {"keys": of.keys}),
    "DELETE /v1/owners/{name}": lambda of: (f"/v1/owners/{of.owner}", None),
    "GET /v1/images": lambda of: ("/v1/images", None),
    "POST /v1/images/{name}/build": lambda of: (f"/v1/images/{TINY}/build", None),
    # Who may ask is told that this image has a recipe; it changes nothing.
    "POST /v1/images/{name}/versions": lambda of: (
        f"/v1/images/{TINY}/versions",
        {"file": "/nonexistent", "cloud_init": True},
    ),
    "POST /v1/images/{name}/promote": lambda of: (f"/v1/images/{TINY}/promote", {}),
    # Who may ask is told that there is nothing to go back to, or that it is needed; it changes nothing.
    "POST /v1/images/{name}/rollback": lambda of: (f"/v1/images/{TINY}/rollback", {}),
    "DELETE /v1/images/{name}/versions/{version}": lambda of: (f"/v1/images/{TINY}/versions/{of.version}", None),
    "GET /v1/images/{name}/versions/{version}/verification": lambda of: (
        f"/v1/images/{TINY}/versions/{of.version}/verification",
        None,
    ),
    "GET /v1/images/{name}/versions/{version}/sbom": lambda of: (f"/v1/images/{TINY}/versions/{of.version}/sbom", None),
    "GET /v1/differences": lambda of: (f"/v1/differences?from={of.version}&to={of.version}", None),
    "GET /v1/backup": lambda of: ("/v1/backup", None),
    "POST /v1/fsck": lambda of: ("/v1/fsck", {}),
    "GET /v1/doctor": lambda of: ("/v1/doctor", None),
    "GET /v1/status": lambda of: ("/v1/status", None),
}
LISTS = {"GET /v1/guests", "GET /v1/openings", "GET /v1/health", "GET /v1/copies", "GET /v1/operations", "GET /v1/events", "GET /v1/owners"}

# What comes of asking about one's own things and about another's, by the words of x-who.
OUTCOMES = {
    "all": ("there", "there"),
    "own": ("there", "not there"),
    "none": ("not there", "not there"),
    "denied": ("denied", "denied"),
}


def table():
    """x-who of every operation: {"GET /v1/guests": {"root": "all", ...}, ...}."""
    paths = yaml.safe_load((ROOT / "schema/openapi.yaml").read_text())["paths"]
    return {
        f"{method.upper()} {path}": operation["x-who"]
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method != "parameters"
    }


def ask(drover, operation, of, account, user=None):
    """Status and answer of an operation on these things, asked by an account that perhaps speaks for a user."""
    target, body = ASKED[operation](of)
    headers = {} if user is None else {"On-Behalf-Of": user}
    return door.ask(drover.socket, operation.split()[0], target, body, headers, account)


def outcome(drover, operation, of, account, user=None):
    status, answer = ask(drover, operation, of, account, user)
    if status == DENIED:
        return "denied"
    if status == 404:
        return "there" if any(words in answer["error"]["message"] for words in ("has no copy", "is not open")) else "not there"
    # 400: it may, but said nothing that makes sense. 409: it may, but not while there are guests, or when it has ended.
    refused = operation in (
        "POST /v1/guests/{name}/console",
        "POST /v1/health/pause",
        "POST /v1/host/stop",
        "POST /v1/pools",
        "POST /v1/pools/drain",
    )
    allowed = (400,) if refused else (200, 202, 409)
    assert status in allowed, f"{operation}: {status} {answer}"
    if operation == "GET /v1/health":
        answer = answer["guests"]
    if operation in LISTS:
        mine = {of.owner, of.guest, of.operation}
        return "there" if any(mine & set(map(str, entry.values())) for entry in answer) else "not there"
    return "there"


@pytest.fixture(scope="module")
def accounts():
    """In the lab's own /etc. The gateway's account is an administrator's, which must not help it."""
    sh("groupadd", "--force", "--system", "drover-admin")
    for account in (OWNER, OTHER, ADMIN, STRANGER):
        sh("useradd", "--no-create-home", account)
    for account in (ADMIN, GATEWAY):
        sh("usermod", "--append", "--groups", "drover-admin", account)


@pytest.fixture(scope="module")
def things(daemon, accounts, keys):
    """Two owners, each with a login, a guest, and the operation by which the login asked for it."""
    owners = {login: Owner(daemon, name, keys, quota=4) for login, name in ((OWNER, "mine"), (OTHER, "theirs"))}
    result = []
    for login, owner in owners.items():
        keys_of = daemon.ask("owner", "set", owner.name, "--login", login)["keys"]
        status, answer = door.ask(daemon.socket, "POST", "/v1/guests", {"count": 1}, account=login)
        assert status == 202, answer
        version = daemon.guest(answer["created"][0])["version"]
        result.append(Things(owner.name, answer["created"][0], answer["operation"], keys_of, version))
    for owner in owners.values():
        owner.wait_for("ready", 1)
        daemon.ask("snapshot", "--owner", owner.name)
        daemon.ask("open", owner.names()[0], "1097/tcp")
    yield result
    wait_until(lambda: no_operation_runs(daemon), "the last operation has ended", timeout=300)
    for owner in owners.values():
        owner.retire_all()


def no_operation_runs(drover):
    return all(each["finished"] for each in drover.ask("operations"))


def expected_of(role):
    return {operation: OUTCOMES[who[role]] for operation, who in table().items()}


def outcomes_of(drover, things, account, user=None):
    return {operation: tuple(outcome(drover, operation, of, account, user) for of in things) for operation in table()}


def test_every_operation_is_asked_here():
    assert set(ASKED) == set(table())


@pytest.mark.promise("TRUST-1")
@pytest.mark.parametrize("role", ROLES)
def test_every_role_gets_what_the_table_says(drover, things, role):
    assert outcomes_of(drover, things, *ROLES[role]) == expected_of(role)


@pytest.mark.promise("TRUST-1")
@pytest.mark.parametrize("change", [{"quota": 1000}, {"login": STRANGER}, {"login": None}])
@pytest.mark.parametrize("role", ["owner", "gateway"])
def test_an_owner_sets_no_quota_or_login(drover, things, role, change):
    account, user = ROLES[role]
    before = drover.ask("owner", "list")
    headers = {"On-Behalf-Of": user} if user else {}
    status, answer = door.ask(drover.socket, "PUT", f"/v1/owners/{things[0].owner}", change, headers, account)
    assert (status, answer["error"]["kind"]) == (DENIED, "denied")
    assert drover.ask("owner", "list") == before


@pytest.mark.promise("TRUST-1")
def test_the_client_tells_it_by_its_exit_codes(drover, things):
    mine, theirs = things
    assert client(drover, OWNER, "show", mine.guest) == 0
    assert client(drover, OWNER, "show", theirs.guest) == 3
    assert client(drover, OWNER, "stop", theirs.guest, mine.guest) == 3
    assert client(drover, OWNER, "request", "--count", "1", "--owner", theirs.owner) == 3
    assert client(drover, OWNER, "image", "build", TINY) == 5
    assert client(drover, STRANGER, "request", "--count", "1") == 5
    assert client(drover, ADMIN, "show", theirs.guest) == 0
    assert client(drover, ADMIN, "fsck") == 0
    assert client(drover, GATEWAY, "list") == 5


def client(drover, account, *arguments):
    """The exit code of the client as this account, with its supplementary groups."""
    become = ["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups"]
    command = [*become, BIN / "drover", "--socket", drover.socket, *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120).returncode


@pytest.mark.promise("TRUST-1")
def test_an_account_whose_login_is_taken_away_is_a_stranger(drover, things):
    mine = things[0]
    assert drover.ask("owner", "set", mine.owner, "--no-login")["login"] is None
    try:
        assert ask(drover, "GET /v1/guests", mine, OWNER) == (200, [])
        assert ask(drover, "GET /v1/guests/{name}", mine, OWNER)[0] == 404
    finally:
        drover.ask("owner", "set", mine.owner, "--login", OWNER)


@pytest.mark.promise("TRUST-2")
@pytest.mark.parametrize("user", ["root", ADMIN, GATEWAY, STRANGER])
def test_nobody_is_an_administrator_through_the_gateway(drover, things, user):
    assert outcomes_of(drover, things, GATEWAY, user) == expected_of("stranger")


@pytest.mark.promise("TRUST-2")
def test_the_gateway_may_nothing_on_its_own(drover, things):
    assert all_statuses(drover, things, GATEWAY) == {DENIED}


@pytest.mark.promise("TRUST-2")
@pytest.mark.parametrize("account", ["root", ADMIN, OWNER, STRANGER])
@pytest.mark.parametrize("user", [OWNER, "root", ""])
def test_nobody_else_sends_the_header(drover, things, account, user):
    assert all_statuses(drover, things, account, user) == {DENIED}


def all_statuses(drover, things, account, user=None):
    return {ask(drover, operation, things[0], account, user)[0] for operation in table()}


@pytest.mark.promise("TRUST-2")
@pytest.mark.parametrize("user", ["", "Root", "0", "a" * 33, "../root", f"{OWNER},root", f"{OWNER} (through x)"])
def test_the_user_is_named_strictly(drover, things, user):
    assert all_statuses(drover, things, GATEWAY, user) == {400}


@pytest.mark.promise("TRUST-2")
def test_both_names_are_recorded_and_the_user_sees_it_either_way(drover, things):
    mine, theirs = things
    who = f"{OWNER} (through {GATEWAY})"
    operation = ask(drover, "POST /v1/guests", mine, GATEWAY, OWNER)[1]["operation"]
    assert drover.ask("operations", operation)[0]["who"] == who
    assert any(each["message"].startswith(f"{who}: ") for each in events_of(drover) if each["operation"] == operation)
    asked = dataclasses.replace(mine, operation=operation)
    for account, user in (ROLES["owner"], ROLES["gateway"]):
        assert ask(drover, "GET /v1/operations/{id}", asked, account, user)[1]["who"] == who
        assert ask(drover, "GET /v1/operations/{id}", mine, account, user)[1]["who"] == OWNER
    assert ask(drover, "GET /v1/operations/{id}", asked, OTHER)[0] == 404
    assert ask(drover, "GET /v1/operations/{id}", asked, GATEWAY, OTHER)[0] == 404


def events_of(drover):
    said = drover.say("events", "--json")
    assert said.code == 0, said.err
    return [door.json.loads(line) for line in said.out.splitlines()]


@pytest.mark.promise("TRUST-2")
def test_even_root_is_no_administrator_as_the_gateway(drover, things):
    config = drover.config.read_text()
    try:
        restart(drover, config.replace(GATEWAY, "root"))
        assert outcomes_of(drover, things, "root", "root") == expected_of("stranger")
        assert outcomes_of(drover, things, "root", OWNER) == expected_of("gateway")
        assert all_statuses(drover, things, "root") == {DENIED}
        assert outcomes_of(drover, things, ADMIN) == expected_of("admin")
    finally:
        restart(drover, config)


def restart(drover, config):
    drover.stop()
    drover.config.write_text(config)
    drover.start()
