// The first process of a container: sleeps until its power button is pressed.
#include <csignal>

int main() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    int signal = 0;
    return sigwait(&signals, &signal);
}
