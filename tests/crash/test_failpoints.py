"""The daemon is killed at every failpoint and once more while it recovers; then everything is as if it never was."""
import concurrent.futures
import signal

import pytest
from drover import BIN, TINY
from work import Died, Work, start_armed
from worlds import FAKE, LXC, QEMU, TEST_DRIVER, built_state, failpoints, keep_test_driver_alive, without_registry

ALWAYS_PASSED = ["network.defined", "network.ensured", "commit.event.before", "commit.event.after"]  # by every start
AT_FIRST_START = ("commit.migration", "commit.note")
IN_IMAGE_BUILDS = ("image.built",)
OF_VMS = ("template.", "start.forked")


@pytest.fixture(scope="module")
def seed():
    return built_state(other_motd="another version\n")


@pytest.fixture(scope="module")
def test_driver():
    keeper = keep_test_driver_alive()
    yield
    keeper.terminate()
    keeper.wait()


class Victim:
    """One daemon's life: killed at a failpoint, killed again in its recovery, then left alone."""

    def __init__(self, world, seed, key, number, failpoint, second):
        fresh = failpoint.startswith(AT_FIRST_START)
        self.world = world
        self.failpoint = failpoint
        self.second = second
        self.drover = world.daemon(f"{world.name[0]}{number}", number, without_registry(seed) if fresh else seed)
        versions = sorted(f"sha256:{folder.name}" for folder in (seed / "roots" / TINY).iterdir() if folder.is_dir())
        builds_image = fresh or failpoint.startswith(IN_IMAGE_BUILDS)
        self.work = Work(self.drover, world, key, versions, builds_image)

    def live(self):
        assert self.dies_at(self.failpoint), f"{self.failpoint} was never passed"
        if not self.dies_at(self.failpoint):  # it lies in nothing that was left to do: die at something that does
            assert self.dies_at(self.second), f"{self.second} was never passed in the recovery"
        self.drover.start()
        self.work.settle()  # what was asked before is done without another word
        self.work.go_on()
        self.work.settle()
        self.work.check()
        self.drover.stop()
        self.world.remove(self.drover)

    def dies_at(self, failpoint):
        """Whether the daemon died there; else it did all of its work and was stopped."""
        start_armed(self.drover, failpoint)
        try:
            self.work.go_on()
            self.work.settle()
        except Died:
            assert self.drover.process.wait() == -signal.SIGKILL, self.drover.log_tail()
            self.drover.process = None
            return True
        code = self.drover.end(signal.SIGTERM)  # it may be dead already, or die while it ends
        assert code in (0, -signal.SIGKILL), self.drover.log_tail()
        return code != 0


def kill_at(world, seed, key, chance, figure, count=None):
    """So many failpoints, or all, a few daemons at once; fails naming each at which something went wrong."""
    names = [name for name in failpoints(BIN / "droverd") if world.kind == "vm" or not name.startswith(OF_VMS)]
    if count:
        names = chance.sample(names, count)
    victims = [Victim(world, seed, key, n, name, chance.choice(ALWAYS_PASSED)) for n, name in enumerate(names)]
    with concurrent.futures.ThreadPoolExecutor(world.at_once) as pool:
        lives = {victim.failpoint: pool.submit(victim.live) for victim in victims}
    wrong = {name: life.exception() for name, life in lives.items() if life.exception()}
    assert not wrong, "\n\n".join(f"{name}: {type(error).__name__}: {error}" for name, error in wrong.items())
    figure("failpoints killed at", len(victims), "twice each")


@pytest.fixture
def key(keys):
    path = keys / "crash.pub"
    path.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3Wa7PVWX4xpqOyXvYGS0gZsLyhVgbNXrQ8U4lL7YpQ alice\n")
    return path


@pytest.mark.promise("TRUST-10")
def test_at_failpoints_on_the_simulated_hypervisor(seed, key, chance, figure, full):
    kill_at(FAKE, seed, key, chance, figure, None if full else 6)


@pytest.mark.promise("TRUST-10")
def test_at_failpoints_on_libvirts_test_driver(seed, key, chance, figure, full, test_driver):
    kill_at(TEST_DRIVER, seed, key, chance, figure, None if full else 2)


@pytest.mark.promise("BOX-9")
def test_at_failpoints_on_real_containers(seed, key, chance, figure, full):
    kill_at(LXC, seed, key, chance, figure, None if full else 1)


@pytest.mark.promise("TRUST-10")
def test_at_failpoints_on_real_guests(seed, key, chance, figure, full):
    kill_at(QEMU, seed, key, chance, figure, 16 if full else 1)
