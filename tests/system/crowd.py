"""Many clients at once: each a process with one kept connection, who asks for this and that and keeps the answers."""
import concurrent.futures
import http.client
import json
import multiprocessing
import random
import socket
import time
from collections import Counter

OWNERS = [f"team{n}" for n in range(8)]
SHARED = ("name", "address", "mac")  # what no two guests of one listing may have in common
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3Wa7PVWX4xpqOyXvYGS0gZsLyhVgbNXrQ8U4lL7YpQ load"

VERBS = ("stop", "start", "restart", "rebuild", "retire")
WEIGHTS = {
    "show": 26, "list": 14, "list_all": 4, "show_operation": 10, "operations": 8, "events": 8,
    "request": 8, "set_owner": 3, "stop": 5, "start": 5, "restart": 3, "rebuild": 2, "retire": 4,
}  # fmt: skip


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("drover", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Client:
    """Asks as its seed says; what it knows of guests and operations it learnt from answers."""

    def __init__(self, path, seed):
        self.chance = random.Random(seed)
        self.connection = Connection(path)
        self.owner = self.chance.choice(OWNERS)
        self.names = []
        self.operation = None
        self.made = []  # names that its requests made
        self.wrong = []
        self.milliseconds = []
        self.statuses = Counter()

    def ask(self, method, target, body=None):
        began = time.monotonic()
        self.connection.request(method, target, None if body is None else json.dumps(body))
        response = self.connection.getresponse()
        text = response.read()
        self.milliseconds.append((method, (time.monotonic() - began) * 1000))
        self.statuses[response.status] += 1
        if response.status not in (200, 202, 404, 409):
            self.wrong.append(f"{method} {target} {body}: {response.status} {text[:300]}")
        return json.loads(text) if response.status < 300 else None

    def work(self, count):
        for _ in range(count):
            self.step()
        self.connection.close()
        return self.made, self.wrong, self.milliseconds, self.statuses

    def step(self):
        what = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if what in VERBS:
            self.change(what)
        else:
            getattr(self, what)()

    def show(self):
        self.ask("GET", f"/v1/guests/{self.some_name()}")

    def list(self):
        guests = self.listing(f"/v1/guests?owner={self.owner}")
        self.names = [guest["name"] for guest in guests]

    def list_all(self):
        self.listing("/v1/guests")

    def show_operation(self):
        if self.operation is None:
            return self.operations()
        self.ask("GET", f"/v1/operations/{self.operation}")

    def operations(self):
        self.ask("GET", "/v1/operations?limit=20")

    def events(self):
        events = self.ask("GET", f"/v1/events?since={self.chance.randrange(200)}&limit=50")
        assert [event["id"] for event in events] == sorted(event["id"] for event in events)

    def request(self):
        count = self.chance.randint(1, 3)
        made = self.ask("POST", "/v1/guests", {"owner": self.owner, "count": count, "additional": True})
        if made is not None:  # else their quota is used up
            self.operation = made["operation"]
            self.made += made["created"]
            self.names += made["created"]

    def set_owner(self):
        name = f"guest{self.chance.randrange(20)}"
        self.ask("PUT", f"/v1/owners/{name}", {"quota": self.chance.randint(0, 9), "keys": [KEY]})

    def change(self, verb):
        operation = self.ask("POST", "/v1/changes", {"verb": verb, "globs": [self.some_name()]})
        if operation is not None:
            self.operation = operation["id"]

    def some_name(self):
        return self.chance.choice(self.names) if self.names else f"{self.owner}-{self.chance.randint(1, 20)}"

    def listing(self, target):
        guests = self.ask("GET", target)
        for field in SHARED:
            values = [guest[field] for guest in guests]
            if len(set(values)) != len(values):
                self.wrong.append(f"{target}: one {field} for two guests: {sorted(values)}")
        return guests


def work(path, seed, count):
    return Client(path, seed).work(count)


class Crowd:
    """What all of them had to say: `made`, `wrong`, `milliseconds` with the method, `statuses`."""

    def __init__(self, path, chance, clients, requests):
        self.made, self.wrong, self.milliseconds, self.statuses = [], [], [], Counter()
        shares = [requests // clients + (n < requests % clients) for n in range(clients)]
        with concurrent.futures.ProcessPoolExecutor(clients, multiprocessing.get_context("fork")) as pool:
            lives = [pool.submit(work, path, chance.random(), share) for share in shares]
            for made, wrong, milliseconds, statuses in (life.result() for life in lives):
                self.made += made
                self.wrong += wrong
                self.milliseconds += milliseconds
                self.statuses += statuses

    def percentile(self, percent, methods=("GET", "POST", "PUT")):
        times = sorted(time for method, time in self.milliseconds if method in methods)
        return times[min(len(times) - 1, len(times) * percent // 100)]
