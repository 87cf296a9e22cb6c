"""What is counted: as Prometheus wants it, true, and all that dashboard, rules and documentation name."""
import http.client
import json
import re
import socket
import subprocess
import threading

import door
import pytest
import yaml
from drover import ROOT, wait_until
from metrics import PORT, PROMTOOL, Metrics, metrics, names_in, page

DASHBOARD = ROOT / "docs/grafana-dashboard.json"
RULES = ROOT / "docs/alerts.yaml"


def promtool(*arguments, text=None):
    return subprocess.run([PROMTOOL, *map(str, arguments)], input=text, capture_output=True, text=True)


def queries():
    """Every query of the dashboard and of the rules."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


@pytest.fixture
def busy(drover, owner):
    """A herd of both kinds and a pool, so that nothing that can be counted is absent."""
    drover.ask("pool", "set", "tiny", "--kind", "container", "--stopped", "1")
    owner.request(1)
    owner.request(1, "--kind", "container", "--additional")
    yield owner
    drover.ask("pool", "drain", "tiny", "--kind", "container")
    wait_until(lambda: drover.ask("pool", "list") == [], "the pool is drained")


@pytest.mark.promise("METRICS-1")
def test_promtool_finds_nothing_to_complain_about(drover, busy):
    done = promtool("check", "metrics", text=page(drover))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.promise("METRICS-2")
def test_dashboard_and_rules_name_only_what_there_is(drover, busy):
    drover.refuse(3, "show", "nobody-1")
    there = metrics(drover).series() | {"up"}
    asked = {query: names_in(query) for query in queries()}
    assert all(asked.values()), [query for query, names in asked.items() if not names]
    assert {query: sorted(names - there) for query, names in asked.items() if names - there} == {}


@pytest.mark.promise("METRICS-2")
def test_the_documentation_lists_every_metric(drover, busy):
    listed = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    assert listed == metrics(drover).names


@pytest.mark.promise("METRICS-1")
def test_the_same_is_at_both_routes_and_at_the_port(drover):
    pages = [page(drover, "/metrics"), page(drover, "/v1/metrics"), over_tcp("GET", "/metrics")[1]]
    assert len({frozenset(Metrics(text).names) for text in pages}) == 1


def over_tcp(method, target, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    connection.request(method, target, body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.promise("METRICS-3")
def test_the_port_has_metrics_and_nothing_else(drover):
    assert over_tcp("GET", "/metrics")[0] == 200
    for target in ("/", "/v1/guests", "/v1/metrics", "/metrics/", "/metrics?x=1", "/v1/backup", "//metrics"):
        status, text = over_tcp("GET", target)
        assert status == 404 and "drover_" not in text
    for method in ("POST", "PUT", "DELETE"):
        assert over_tcp(method, "/metrics")[0] in (405, 400)


@pytest.mark.promise("METRICS-3")
def test_slow_clients_of_the_port_slow_nobody(drover):
    slow = []
    for _ in range(40):
        client = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        client.sendall(b"GET /met")
        slow.append(client)
    assert drover.ask("list") is not None
    for client in slow:
        client.close()
    wait_until(lambda: over_tcp_or_none(), "the port answers again")


def over_tcp_or_none():
    try:
        return over_tcp("GET", "/metrics")[0] == 200
    except OSError:
        return False


@pytest.mark.promise("METRICS-4")
def test_numbers_follow_what_happens(drover, owner):
    before = metrics(drover)
    owner.request(2, "--kind", "container")
    names = owner.names()
    up = metrics(drover)

    def grew(name, later=up, earlier=before, **labels):
        return later.sum(name, **labels) - earlier.sum(name, **labels)

    assert grew("drover_guests", kind="container", phase="ready", desired="ready") == 2
    assert grew("drover_step_duration_seconds_count", step="start") == 2
    assert grew("drover_step_duration_seconds_count", step="build") == 2
    assert grew("drover_start_duration_seconds_count", started_by="cold") == 2
    assert grew("drover_start_duration_seconds_sum", started_by="cold") > 0
    assert grew("drover_control_sessions") == 2
    assert grew("drover_operations", verb="request", outcome="done") == 1
    assert grew("drover_api_requests_total", route="POST /v1/guests") == 1
    assert grew("drover_api_requests_total", route="POST /v1/guests", status="202") == 1
    assert grew("drover_libvirt_call_duration_seconds_count", kind="container") > 0
    assert grew("drover_registry_write_duration_seconds_count") > 0
    wait_until(lambda: grew("drover_consoles_open", metrics(drover)) == 2, "both consoles are read")
    owner.ssh(names[0], "echo 0123456789 >/dev/console")
    wait_until(lambda: grew("drover_console_bytes_total", metrics(drover), up) >= 11, "what it printed is counted")
    for _ in range(3):
        drover.refuse(3, "show", "nobody-1")
    drover.ask("stop", names[0])
    later = metrics(drover)
    assert grew("drover_api_requests_total", later, up, route="GET /v1/guests/*", status="404") == 3
    assert grew("drover_guests", later, up, phase="stopped", desired="stopped") == 1
    assert grew("drover_guests", later, up, phase="ready") == -1
    assert later.sum("drover_health_ladder", state="watching") == later.sum("drover_health_ladder") == 1
    assert {"drover_heals_total", "drover_health_guests"} <= later.series()
    assert later.sum("drover_wave_waiting") == 0 and later.sum("drover_wave_in_flight") == 0


@pytest.mark.promise("METRICS-4")
def test_a_histogram_is_one(drover):
    now = metrics(drover)
    for name in now.names:
        buckets = [(dict(pairs), value) for (known, pairs), value in now.samples.items() if known == f"{name}_bucket"]
        for labels, value in buckets:
            rest = {key: each for key, each in labels.items() if key != "le"}
            bound = float(labels["le"])
            assert all(
                other_value <= value
                for other, other_value in buckets
                if {key: each for key, each in other.items() if key != "le"} == rest and float(other["le"]) <= bound
            )
            if bound == float("inf"):
                assert value == now.samples[f"{name}_count", frozenset(rest.items())]


@pytest.mark.promise("METRICS-4")
def test_a_scrape_is_cheap_and_may_come_often(drover, figure):
    import time

    begin = time.monotonic()
    threads = [threading.Thread(target=lambda: [metrics(drover) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figure("a scrape", 1000 * (time.monotonic() - begin) / 40, "ms")
    status, text = door.ask(drover.socket, "GET", "/metrics?x=1")
    assert status == 400, text
