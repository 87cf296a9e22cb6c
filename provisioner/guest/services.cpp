#include "guest/services.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "guest/files.hpp"
#include "guest/replies.hpp"
#include "model/error.hpp"

namespace drover::guest {
namespace {

using control::FromGuest;

constexpr std::size_t most_orders = 16;
constexpr int cannot_execute = 127;
constexpr int unit_not_there = 5;  ///< systemctl's word for it
constexpr int took_too_long = -1;

const char* word_of(ServiceAct act) {
    switch (act) {
        case ServiceAct::start: return "start";
        case ServiceAct::stop: return "stop";
        case ServiceAct::restart: return "restart";
        case ServiceAct::status: return "status";
    }
    return "status";
}

std::string why(const std::string& service, ServiceAct act, int status) {
    const std::string what = service + ": " + word_of(act);
    if (status == took_too_long) return what + " did not end in time";
    if (WIFSIGNALED(status)) return what + " was ended by signal " + std::to_string(WTERMSIG(status));
    return what + " ended with status " + std::to_string(WEXITSTATUS(status));
}

/// The child of a fork: a group of its own, no descriptor of ours but what `output` is.
[[noreturn]] void become(const std::vector<std::string>& program, int output) {
    setsid();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const int null = open("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        dup2(fd == STDOUT_FILENO && output >= 0 ? output : null, fd);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    std::vector<char*> words;
    for (const auto& word : program) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execv(words.front(), words.data());
    _exit(cannot_execute);
}

}  // namespace

Services::~Services() {
    if (child_ > 0) end_program();
}

std::string Services::take(const control::ServiceOrder& order) {
    if (find_service(declared_, order.name) == nullptr) return err(order.n, order.name + ": no service of this guest");
    if (orders_.size() == most_orders) return err(order.n, order.name + ": too many orders wait");
    orders_.push_back(order);
    return child_ > 0 ? "" : begin_next();
}

std::optional<std::chrono::milliseconds> Services::left() const {
    if (child_ < 0) return std::nullopt;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
    return std::max(left, std::chrono::milliseconds(0));
}

std::string Services::go_on() {
    if (child_ < 0) return "";
    pollfd ended{handle_.get(), POLLIN, 0};
    const bool is_over = poll(&ended, 1, 0) > 0 || Clock::now() >= end_;
    return is_over ? after(running_, end_program()) : "";
}

void Services::settle() {
    for (const Service& service : declared_) {
        take({0, service.name, service.up ? ServiceAct::start : ServiceAct::stop});
        while (child_ > 0) {
            pollfd ended{handle_.get(), POLLIN, 0};
            poll(&ended, 1, static_cast<int>(left()->count()));
            go_on();
        }
        if (last_.status != ServiceStatus::unknown) known_.push_back(last_);
    }
}

/// Where systemd runs its units are asked, if it has been told one; a command only where it can be executed.
Services::Way Services::way_to(const Service& service) const {
    if (!service.unit.empty() && is_there(ways_.manager_runs)) return Way::unit;
    const bool has_command = !service.command.empty() && access(service.command.c_str(), X_OK) == 0;
    return has_command ? Way::command : Way::none;
}

/// What no other activation of the unit has: its id, or where systemd tells none, as of a socket, the number of its
/// control group. Empty: it has neither.
std::string Services::activation_of(const Service& service) const {
    if (service.unit.empty()) return "";
    std::array<char, 64> id{};
    const auto size = readlink((ways_.activation + service.unit).c_str(), id.data(), id.size());
    if (size > 0) return {id.data(), static_cast<std::size_t>(size)};
    struct stat group {};
    return stat((ways_.group + service.unit).c_str(), &group) == 0 ? std::to_string(group.st_ino) : "";
}

/// To run a program for each question would be most of what a quiet emulated guest does: a unit that was found up is up
/// for as long as the same activation lasts.
bool Services::is_up_still(const Service& service) const {
    const auto found = up_in_.find(service.name);
    return found != up_in_.end() && way_to(service) == Way::unit && found->second == activation_of(service);
}

std::vector<std::string> Services::program_for(const Service& service, ServiceAct act) const {
    if (way_to(service) == Way::command) return {service.command, word_of(act)};
    if (act != ServiceAct::status) return {ways_.manager, word_of(act), "--no-ask-password", "--", service.unit};
    return {ways_.manager, "show", "--property=LoadState,ActiveState", "--", service.unit};
}

/// Those that need no program are done on the way.
std::string Services::begin_next() {
    std::string said;
    while (!orders_.empty() && child_ < 0) {
        const auto& order = orders_.front();
        const Service& service = *find_service(declared_, order.name);
        trouble_.clear();
        try {
            if (way_to(service) == Way::none)
                said += finish(ServiceStatus::absent);
            else if (order.act == ServiceAct::status && is_up_still(service))
                said += finish(ServiceStatus::up);
            else
                run(service, order.act);
        } catch (const std::exception& error) {
            trouble_ = error.what();
            said += finish(ServiceStatus::unknown);
        }
    }
    return said;
}

void Services::run(const Service& service, ServiceAct act) {
    const auto program = program_for(service, act);
    std::array<int, 2> pipe_ends{-1, -1};
    if (act == ServiceAct::status && pipe2(pipe_ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) fail("cannot make a pipe");
    output_ = UniqueFd(pipe_ends[0]);
    const UniqueFd told(pipe_ends[1]);
    const pid_t child = fork();
    if (child < 0) fail("cannot start " + program.front());
    if (child == 0) become(program, told.get());
    child_ = child;
    handle_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    running_ = act;
    end_ = Clock::now() + (handle_ ? ways_.patience : std::chrono::milliseconds(0));
}

/// How it ended, as of waitpid(); took_too_long when it was ended.
int Services::end_program() {
    pollfd ended{handle_.get(), POLLIN, 0};
    const bool in_time = handle_ && poll(&ended, 1, 0) > 0;
    if (!in_time) {
        kill(-child_, SIGKILL);
        kill(child_, SIGKILL);  // it may not have come to have a group of its own
    }
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) continue;
    child_ = -1;
    handle_ = UniqueFd();
    return in_time ? status : took_too_long;
}

/// The beginning of what the program wrote: who of its children still writes is not waited for.
std::string Services::output() {
    std::array<char, 4096> text{};
    const auto size = output_ ? read(output_.get(), text.data(), text.size()) : 0;
    output_ = UniqueFd();
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

/// One that failed is asked how it is.
std::string Services::after(ServiceAct act, int status) {
    const Service& service = *find_service(declared_, orders_.front().name);
    if (act == ServiceAct::status) return finish_and_go_on(status_told(status));
    if (status == 0) return finish_and_go_on(act == ServiceAct::stop ? ServiceStatus::down : ServiceStatus::up);
    const bool has_ended = status != took_too_long && WIFEXITED(status);
    if (way_to(service) == Way::unit && has_ended && WEXITSTATUS(status) == unit_not_there)
        return finish_and_go_on(ServiceStatus::absent);
    trouble_ = why(service.name, act, status);
    try {
        run(service, ServiceAct::status);
        return "";
    } catch (const std::exception&) {
        return finish_and_go_on(ServiceStatus::unknown);
    }
}

/// A command says it by its end, as the LSB has it: 0 up, 1 or 2 died, 3 down. systemd tells it in words.
ServiceStatus Services::status_told(int status) {
    const auto text = output();
    const Service& service = *find_service(declared_, orders_.front().name);
    if (status == took_too_long || !WIFEXITED(status)) return ServiceStatus::failed;
    const int code = WEXITSTATUS(status);
    if (way_to(service) != Way::unit) {
        if (code == 0) return ServiceStatus::up;
        return code == 3 ? ServiceStatus::down : ServiceStatus::failed;
    }
    const auto says = [&](const char* line) { return text.find(std::string(line) + "\n") != std::string::npos; };
    if (says("LoadState=not-found") || says("LoadState=masked")) return ServiceStatus::absent;
    if (says("ActiveState=active") || says("ActiveState=reloading")) return ServiceStatus::up;
    return says("ActiveState=failed") || code != 0 ? ServiceStatus::failed : ServiceStatus::down;
}

std::string Services::finish_and_go_on(ServiceStatus status) {
    std::string said = finish(status);  // before the next begins
    said += begin_next();
    return said;
}

/// What is not there can be stopped.
std::string Services::finish(ServiceStatus status) {
    const auto order = orders_.front();
    orders_.pop_front();
    const bool wants_it = order.act == ServiceAct::start || order.act == ServiceAct::restart;
    if (status == ServiceStatus::absent) trouble_ = wants_it ? order.name + ": this guest has no such service" : "";
    last_ = {order.name, status};
    const auto activation = activation_of(*find_service(declared_, order.name));
    up_in_.erase(order.name);
    if (status == ServiceStatus::up && !activation.empty()) up_in_[order.name] = activation;
    if (status == ServiceStatus::unknown) return err(order.n, trouble_);
    const auto said = control::encode(FromGuest(last_));
    return said + (trouble_.empty() ? ok(order.n) : err(order.n, trouble_));
}

}  // namespace drover::guest
