"""The same idempotency key many times at once, while the daemon dies: one effect, one answer."""
import concurrent.futures
import http.client
import threading
import time

import door
import pytest

SENDERS = 50


class Insistence:
    """Senders of one request, each again and again until an answer came from the last daemon that there will be."""

    def __init__(self, drover, key, body):
        self.drover = drover
        self.headers = {"Idempotency-Key": key}
        self.body = body
        self.answers = []
        self.answered = threading.Semaphore(0)
        self.start = threading.Barrier(SENDERS)
        self.no_more_kills = threading.Event()
        self.deadline = time.monotonic() + 300

    def attempt(self):
        """Whether an answer came; a daemon that dies or is dead gives none."""
        try:
            answer = door.ask(self.drover.socket, "POST", "/v1/guests", self.body, self.headers)
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)  # before the next attempt
            return False
        self.answers.append(answer)
        self.answered.release()
        return True

    def insist(self):
        self.start.wait()
        while time.monotonic() < self.deadline:
            last = self.no_more_kills.is_set()
            if self.attempt() and last:
                return
        raise TimeoutError("no answer")

    def wait_for_answers(self, count):
        for _ in range(count):
            assert self.answered.acquire(timeout=60), "no more answers come"

    def over_kills(self, moments):
        """Kills the daemon each time when so many more answers have come, and starts it again."""
        with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
            senders = [pool.submit(self.insist) for _ in range(SENDERS)]
            try:
                for moment in moments:
                    self.wait_for_answers(moment)
                    self.drover.kill()
                    self.drover.start()
            finally:
                self.no_more_kills.set()
        for sender in senders:
            sender.result()


@pytest.mark.promise("TRUST-3")
def test_one_key_at_once_over_two_kills_has_one_effect(drover, owner, full, chance, figure):
    for turn in range(1, 1 + (10 if full else 1)):
        request = {"owner": owner.name, "count": 2, "additional": True}
        senders = Insistence(drover, f"{owner.name}-{turn}", request)
        senders.over_kills(chance.randrange(SENDERS) for _ in range(2))
        figure("answers to one key", len(senders.answers), f"in turn {turn}")

        status, answer = senders.answers[0]
        assert all(each == (status, answer) for each in senders.answers)
        assert status == 202 and len(answer["created"]) == 2
        assert owner.names()[-2:] == answer["created"] and len(owner.names()) == 2 * turn
        assert len(operations_for(drover, owner)) == turn
    owner.wait_for("ready", 2 * turn)
    assert drover.findings() == []


def operations_for(drover, owner):
    operations = drover.ask("operations", "--limit", 10000)
    return [each for each in operations if each["arguments"].get("owner") == owner.name]
