"""Options, fixtures and reports of the system tests. They need tools/lab, so tools/test runs them."""
import pathlib
import random
import re
import tempfile

import pytest
from drover import TINY, Drover, Owner

IN_LAB = pathlib.Path("/run/drover-lab")


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="the sizes that SPECIFICATION.md states")
    parser.addoption("--seed", type=int, default=0, help="of the random choices")
    parser.addoption("--promise", action="append", default=[], help="only tests of this promise, e.g. ROAD-3")


def pytest_configure(config):
    config.addinivalue_line("markers", "promise(id): the promise of SPECIFICATION.md that this test shows")
    config.addinivalue_line("markers", "only_full: it takes minutes at any size, so it runs with --full alone")
    config.figures = []
    if not IN_LAB.exists() and not config.option.collectonly:
        pytest.exit("the system tests run inside tools/lab: use tools/test", returncode=3)


def promises_of(item):
    return {mark.args[0] for mark in item.iter_markers("promise")}


def pytest_collection_modifyitems(config, items):
    wanted = set(config.option.promise)

    def is_meant(item):
        if item.get_closest_marker("only_full") and not config.option.full:
            return False
        return not wanted or wanted & promises_of(item)

    config.hook.pytest_deselected(items=[item for item in items if not is_meant(item)])
    items[:] = [item for item in items if is_meant(item)]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what its daemon said last."""
    report = (yield).get_result()
    drover = getattr(item, "funcargs", {}).get("drover")
    if report.failed and drover:
        report.sections.append(("the daemon's log", drover.log_tail()))


def pytest_runtest_logreport(report):
    """Tells a failure at once, too: a run that is ended has no summary."""
    if report.failed:
        print(f"\n{report.longreprtext[-3000:]}", *(f"-- {name}\n{text[-3000:]}" for name, text in report.sections), sep="\n", flush=True)


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.section(f"figures (seed {config.option.seed})")
    for line in config.figures:
        terminalreporter.line(line)


@pytest.fixture(scope="session")
def full(request):
    return request.config.option.full


@pytest.fixture(scope="session")
def herd_size(full):
    """How many guests a test of many takes."""
    return 20 if full else 6


@pytest.fixture
def figure(request):
    """figure("guests ready", 20, "s"): kept for the end of the run."""
    name = request.node.name

    def note(what, value, unit):
        shown = f"{value:.1f}" if isinstance(value, float) else value
        request.config.figures.append(f"{name}: {what}: {shown} {unit}")

    return note


@pytest.fixture
def chance(request):
    """Random choices that --seed repeats."""
    return random.Random(f"{request.config.option.seed} {request.node.name}")


@pytest.fixture(scope="session")
def daemon():
    """The daemon that all tests share, with a gateway, and with the image tiny built."""
    drover = Drover("test", "gateway:\n  uid: www-data\nmetrics:\n  listen: 127.0.0.1:9177\n")
    drover.start()
    try:
        drover.ask("image", "build", TINY)
        yield drover
    finally:
        if drover.process:
            drover.stop()


@pytest.fixture
def drover(daemon):
    """The shared daemon, running, whatever an earlier test did to it."""
    if daemon.process is None:
        daemon.start()
    return daemon


@pytest.fixture(scope="session")
def keys():
    with tempfile.TemporaryDirectory(prefix="drover-keys-") as folder:
        yield pathlib.Path(folder)


@pytest.fixture
def owner(request, drover, keys):
    """An owner of the test's own, with a quota of 40; what it has is retired afterwards."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:20].strip("-")
    owner = Owner(drover, name, keys, quota=40)
    yield owner
    if drover.process is None:
        drover.start()
    owner.retire_all()
