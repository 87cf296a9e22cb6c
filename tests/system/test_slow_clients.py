"""Clients that are slow, idle, huge or deaf do not hinder others, nor does the daemon grow by them: TRUST-5."""
import contextlib
import json
import pathlib
import re
import resource

import pytest
from drover import Drover, wait_until
from rawhttp import ask, connect, exchange, request

pytestmark = pytest.mark.promise("TRUST-5")

MIB = 1 << 20


def memory_of(drover):
    """What the daemon holds of memory, in bytes."""
    status = pathlib.Path(f"/proc/{drover.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def descriptors_of(drover):
    return len(list(pathlib.Path(f"/proc/{drover.process.pid}/fd").iterdir()))


@contextlib.contextmanager
def connections(drover, count, data=b""):
    """So many clients who say this and then nothing. They are gone at the end, for the daemon too."""
    before = descriptors_of(drover)
    with contextlib.ExitStack() as doors:
        opened = [doors.enter_context(contextlib.closing(connect(drover.socket))) for _ in range(count)]
        for door in opened:
            door.sendall(data)
        yield opened
    wait_until(lambda: descriptors_of(drover) <= before + 4, "the daemon lets go of clients that left")


def assert_serves(drover):
    """Everybody else is answered: by hand, and through the client."""
    for _ in range(20):
        assert ask(drover.socket, "GET", "/v1/status").status == 200
    assert isinstance(drover.guests(), list)


@pytest.fixture(scope="module", autouse=True)
def many_descriptors():
    """This process holds as many clients as the daemon."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_idle_connections_keep_nobody_waiting(drover, figure):
    before = memory_of(drover)
    with connections(drover, 1000) as idle:
        assert_serves(drover)
        idle[500].sendall(request("GET", "/v1/status"))
        assert idle[500].recv(65536).startswith(b"HTTP/1.1 200")
        figure("grown by 1,000 idle clients", (memory_of(drover) - before) / MIB, "MiB")
    assert memory_of(drover) - before < 32 * MIB


@pytest.fixture
def poor_daemon():
    """A daemon that was started with a soft limit of 256 descriptors, as a careless shell may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    poor = Drover("poor")
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        poor.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    yield poor
    poor.stop()


def test_a_low_soft_limit_of_descriptors_is_raised(poor_daemon):
    with connections(poor_daemon, 1000):
        assert_serves(poor_daemon)


@pytest.mark.parametrize(
    "start", [b"G", b"GET /v1/guests HTT", b"POST /v1/guests HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"]
)
def test_half_requests_and_a_byte_now_and_then_keep_nobody_waiting(drover, start):
    with connections(drover, 200, start) as slow:
        for _ in range(5):
            for door in slow:
                door.sendall(b"x")
            assert_serves(drover)


def test_bodies_of_ten_megabytes_are_refused_and_not_kept(drover, full, figure):
    for _ in range(3):  # what the daemon's memory is like when it has seen some
        exchange(drover.socket, request("POST", "/v1/guests", b"x" * 10 * MIB))
    before = memory_of(drover)
    bodies = (b'"' + b"x" * 10 * MIB + b'"', b"[" * 10 * MIB, b"\0" * 10 * MIB)
    for number in range(60 if full else 15):
        (reply,) = exchange(drover.socket, request("POST", "/v1/changes", bodies[number % len(bodies)]))
        assert reply.status == 400 and "body" in reply.message, reply.json
    figure("grown by 10 MB bodies", (memory_of(drover) - before) / MIB, "MiB")
    assert memory_of(drover) - before < 16 * MIB
    assert_serves(drover)


def test_a_chunked_body_without_end_is_refused(drover):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    head = b"POST /v1/changes HTTP/1.1\r\nHost: drover\r\nTransfer-Encoding: chunked\r\n\r\n"
    (reply,) = exchange(drover.socket, head + chunk * 160)
    assert reply.status == 400 and reply.message
    assert_serves(drover)


def test_clients_that_never_read_do_not_make_the_daemon_grow(drover, full, figure):
    """Each asks for more than a socket holds: a stream of all events, and answers one after the other."""
    for number in range(1200):
        ask(drover.socket, "PUT", f"/v1/owners/deaf-{number}", b"{}")
    try:
        deaf_ones(drover, 200 if full else 60, figure)
    finally:
        for number in range(1200):
            ask(drover.socket, "DELETE", f"/v1/owners/deaf-{number}")


def deaf_ones(drover, count, figure):
    wanted = request("GET", "/v1/owners") * 20 + request("GET", "/v1/events?follow=true")
    with connections(drover, count, wanted):  # the first time fills what the allocator keeps
        assert_serves(drover)
    before = memory_of(drover)
    with connections(drover, count, wanted):
        assert_serves(drover)
        figure(f"grown by {count} clients that never read", (memory_of(drover) - before) / MIB, "MiB")
    one_answer = len(json.dumps(drover.ask("owner", "list")))
    assert memory_of(drover) - before < count * 2 * one_answer + 16 * MIB, "more than an answer each"
