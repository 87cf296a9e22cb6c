"""What an administrator does to a herd, in an order in which every commit and every step happens, against a daemon that
may die at any word. What was answered is remembered: none of it may be lost."""
import subprocess

from drover import BIN, TINY, assert_all_different, sh, wait_until


WAIT_UNTIL_GONE = "until gone"
WAIT_UNTIL_PARKED = "until a pool's guest is parked"
WAIT_UNTIL_DRAINED = "until no pool has a guest"
PATIENCE = 60  # seconds from the start of the daemon until everything has to be where it is wanted


class Died(Exception):
    """The daemon is not there any more."""


class Work:
    """Goes on where it was when the daemon died, as an administrator would: by saying again what was not answered."""

    def __init__(self, drover, world, key, versions, builds_image):
        self.drover = drover
        self.world = world
        self.version, other = versions
        three = ("--owner", "alice", "--count", "3", "--kind", world.kind)
        self.steps = [
            ("owner", "set", "alice", "--quota", "9", "--key", str(key)),
            *([("image", "build", TINY)] if builds_image else []),
            ("image", "promote", TINY, self.version),
            ("request", *three, "--idempotency-key", "three"),
            ("pool", "set", TINY, "--kind", world.kind, "--parked", "1"),
            (WAIT_UNTIL_PARKED,),
            ("request", "--owner", "alice", "--count", "1", "--additional", "--kind", world.kind,
             "--idempotency-key", "adopted"),
            ("pool", "drain", TINY, "--kind", world.kind),
            (WAIT_UNTIL_DRAINED,),
            ("retire", "alice-4", "--yes"),
            ("health", "pause", "--reason", "work"),
            ("stop", "alice-1"),
            ("health", "resume"),
            ("start", "alice-1"),
            ("restart", "alice-2"),
            ("rebuild", "alice-2", "--yes"),
            ("open", "alice-1", "8098/tcp", "--for", "1h"),
            ("extend", "alice-1", "8098/tcp", "--for", "1h"),
            ("close", "alice-1", "8098/tcp"),
            ("open", "alice-1", "8099/udp", "--for", "8h"),
            ("snapshot", "alice-1", "--name", "kept"),
            ("restore", "alice-1", "--from", "kept", "--yes"),
            ("backup", "alice-1", "--name", "away"),
            ("copies", "remove", "alice-1", "kept"),
            ("rebuild", "alice-1", "--keep", "/home", "--yes"),
            ("backup", "--registry", f"{drover.state}/copy.db"),
            ("image", "promote", TINY, other),
            ("upgrade", "alice-3", "--canary", "alice-3", "--settle", "0s"),
            ("rollback", "alice-3"),
            ("retire", "alice-3", "--yes"),
            ("recover", "alice-3"),
            ("lease", "alice-3", "--for", "1s"),
            (WAIT_UNTIL_GONE, "alice-3"),
            ("image", "promote", TINY, self.version),
            ("image", "remove", TINY, other),
            ("stop", "alice-2"),
            ("request", *three, "--idempotency-key", "again"),
        ]
        self.done = []

    def go_on(self):
        """Until all is done; raises Died when the daemon does."""
        while self.steps:
            self.say(self.steps[0])
            self.done.append(self.steps.pop(0))

    def say(self, words):
        if words[0] == WAIT_UNTIL_GONE:
            return self.wait_for(lambda guests: words[1] not in [guest["name"] for guest in guests], "its lease ends")
        if words[0] == WAIT_UNTIL_PARKED:
            return self.wait_for(lambda guests: "parked" in [guest["phase"] for guest in guests], words[0])
        if words[0] == WAIT_UNTIL_DRAINED:
            return self.wait_for(lambda guests: None not in [guest["owner"] for guest in guests], words[0])
        answer = self.drover.call(*words)
        if answer.code != 0 and is_dead(self.drover):
            raise Died
        # What was done when the daemon died cannot be done again: the copy is there, the guest or version is gone.
        gone = words[0] in ("retire", "recover") or words[:2] in (("image", "remove"), ("copies", "remove"), ("pool", "drain"))
        copied = words[:2] == ("backup", "--registry") and answer.code == 4
        named = "has a copy" in answer.out and words[0] in ("snapshot", "backup")
        extended = words[0] == "extend" and "was extended before" in answer.err
        closed = words[0] == "close" and answer.code == 3
        done_before = copied or named or extended or closed or (gone and answer.code == 3)
        said = f"drover {' '.join(words)}: {answer.code}\n{answer.out}{answer.err}"
        assert answer.code == 0 or done_before, f"{said}\n{self.drover.log_tail(15)}"

    def settle(self):
        """Until every guest is where it is wanted; raises Died when the daemon does."""

        settled = lambda guests: all(guest["phase"] == guest["desired"] for guest in guests)
        self.wait_for(settled, "all guests are where they are wanted")

    def wait_for(self, holds, what):
        def look():
            answer = self.drover.call("list")
            if answer.code != 0:
                assert is_dead(self.drover), answer.err
                raise Died
            return holds(answer.json)

        wait_until(look, f"{what}\n{self.drover.log_tail()}", PATIENCE)

    def makes_templates(self):
        rows = self.drover.ask("image", "list")
        return [one for row in rows for one in row["templates"] if one["state"] in ("queued", "making")]

    def check(self):
        """Nothing is lost, nothing is left over, nothing is there twice."""
        wait_until(lambda: self.drover.ask("pool", "list") == [], "the pool is no more")
        wait_until(lambda: not self.makes_templates(), "nobody is busy with a template", PATIENCE)
        assert self.drover.ask("health")["ladder"] != "paused"
        guests = self.drover.guests()
        assert [guest["fault"] for guest in guests] == [None] * len(guests)
        assert [(guest["name"], guest["phase"]) for guest in guests] == [
            ("alice-1", "ready"),
            ("alice-2", "stopped"),
            ("alice-5", "ready"),
        ]
        assert {guest["version"] for guest in guests} == {self.version}
        assert [row["version"] for row in self.drover.ask("image", "list") if row["version"]] == [self.version]
        for field in ("id", "address", "mac", "domain"):
            assert_all_different([guest[field] for guest in guests])
        assert self.world.domains(self.drover) == sorted(guest["domain"] for guest in guests)
        assert self.drover.overlays() == sorted(str(guest["id"]) for guest in guests)
        assert list((self.drover.state / "lost").glob("*")) == []
        assert [(it["guest"], it["port"]) for it in self.drover.ask("openings")] == [("alice-1", "8099/udp")]
        self.check_rules(guests)
        assert self.drover.findings() == []


    def check_rules(self, guests):
        """What the kernel lets through is what there is."""
        name = f"drover_{self.drover.instance}"
        address = next(guest["address"] for guest in guests if guest["name"] == "alice-1")
        rules = sh("nft", "list", "table", "inet", name)
        assert rules.count(f"{address} . udp . 8099") == 1 and "8098" not in rules, rules
        macs = sh("nft", "list", "set", "bridge", name, "macs")
        assert sorted(word.strip(",") for word in macs.split() if word.startswith("52:54")) == sorted(
            guest["mac"] for guest in guests), macs


def is_dead(drover):
    """Whether the daemon that did not answer has died; a kill takes a moment."""
    try:
        drover.process.wait(5)
    except subprocess.TimeoutExpired:
        return False
    return True


def start_armed(drover, failpoint):
    """Starts the daemon with a failpoint armed; it may be dead before it answers."""
    with drover.log.open("a") as log:
        drover.process = subprocess.Popen(
            [BIN / "droverd", "--config", drover.config],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DROVER_FAILPOINT": failpoint},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    wait_until(lambda: drover.process.poll() is not None or drover.answers(), "the daemon answers or is dead")
