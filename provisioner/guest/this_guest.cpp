#include "guest/this_guest.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "guest/files.hpp"
#include "guest/identity_files.hpp"
#include "guest/kernel_line.hpp"
#include "guest/levels.hpp"
#include "guest/mounts.hpp"
#include "guest/network.hpp"
#include "guest/passwords.hpp"
#include "guest/port.hpp"
#include "guest/program.hpp"
#include "guest/renewal.hpp"
#include "guest/reset.hpp"
#include "guest/shadows.hpp"
#include "model/error.hpp"

namespace drover::guest {
namespace {

constexpr const char* root = "/";
/// The digest of what is in force. In memory, so that it tells of this boot alone; outlives a restart of this program.
constexpr const char* in_force = "/run/drover/in-force";
/// Both its own block and what users add.
constexpr const char* shared_file = "/etc/hosts";
constexpr std::chrono::seconds time_to_start{120};
constexpr std::chrono::seconds time_to_renew{30};
constexpr std::chrono::milliseconds between_levels{900};
/// A template and its forks have these, in memory like the rest of them. (What comes and goes right below /run/drover
/// wakes systemd.)
constexpr const char* template_folder = "/run/drover/template";
constexpr const char* boot_id_file = "/run/drover/template/boot-id";
constexpr const char* renewed = "/run/drover/template/renewed";
constexpr std::string_view yes = "yes\n";

/// Whoever else wakes up in a fork, because its clock was set, say, waits until it is ready.
void go_first(bool first) {
    const sched_param priority{.sched_priority = first ? 1 : 0};
    sched_setscheduler(0, first ? SCHED_RR | SCHED_RESET_ON_FORK : SCHED_OTHER, &priority);
}

void put_hostname(const std::string& name) {
    if (sethostname(name.data(), name.size()) != 0) fail("cannot set the hostname " + name);
}

/// As the first program was told. Whoever spoils the file in a guest has no services until the next boot.
std::vector<Service> declared_services() try {
    return parse_kernel_line(read_if_there(own_profile).value_or("")).profile.services;
} catch (const std::exception& error) {
    std::fprintf(stderr, "drover-guest: no services: %s\n", error.what());  // NOLINT(cert-err33-c)
    return {};
}

}  // namespace

ThisGuest::ThisGuest()
    : settings_(parse_settings(read_if_there("/etc/drover/guest.conf").value_or(""))), services_(declared_services()) {
    put_folder("/run/drover", 0755);
    digest_ = read_if_there(in_force).value_or("");
    put_passwords_into_force(root);
}

std::string ThisGuest::boot_id() {
    auto text = read_if_there(kernel_boot_id).value_or("");
    std::erase_if(text, [](char c) { return c == '-' || c == '\n'; });
    return text;
}

std::string ThisGuest::host_key() { return read_host_key(root, settings_); }

std::string ThisGuest::digest_in_force() { return digest_; }

std::optional<Introduction> ThisGuest::last_introduction() { return recall(root); }

/// Many questions at once are answered with them once.
std::optional<control::Levels> ThisGuest::levels() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_levels_) return std::nullopt;
    next_levels_ = now + between_levels;
    try {
        return read_levels(settings_.by_cloud_init ? root : own_state);
    } catch (const Error&) {
        return std::nullopt;  // no news of them is no trouble
    }
}

void ThisGuest::put_host_key(std::string_view seed) { put_host_key_file(root, settings_, seed); }

void ThisGuest::set_clock(std::int64_t time) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto ahead = time - (std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000);
    if (ahead >= -1000 && ahead <= 1000) return;
    put_clock(time);  // a container's is the host's, and not its to set
}

void ThisGuest::put_into_force(const Introduction& introduction) {
    const auto digest = introduction.digest();
    if (digest_ != digest) forget_what_is_in_force();
    put_identity_files(root, settings_, introduction);
    if (!settings_.by_cloud_init) {
        put_hostname(introduction.identity.name);
        put_network_into_force(introduction.identity);
    }
    if (!settings_.started.empty()) run_program(settings_.started, time_to_start);
    digest_ = digest;
    latest_ = introduction;
}

void ThisGuest::forget_what_is_in_force() {
    if (!digest_.empty() && unlink(in_force) != 0 && errno != ENOENT) fail(std::string("cannot remove ") + in_force);
    digest_.clear();
}

/// What does not reach the disk is told again at the next boot, so that a full one keeps no guest from being ready.
void ThisGuest::keep() noexcept try {
    put_first_page(root, settings_, latest_.identity);
    put_file(in_force, digest_, 0644);
    remember(root, latest_);
    sync_file_system(own_state);
    go_first(false);
} catch (const std::exception& error) {
    go_first(false);
    std::fprintf(stderr, "drover-guest: the identity is not kept: %s\n", error.what());  // NOLINT(cert-err33-c)
}

/// What the guest's end writes itself says nothing about what the user did.
bool ThisGuest::is_written_here(const std::string& path) const {
    const auto files = identity_files(settings_);
    return std::find(files.begin(), files.end(), path) != files.end() ||
           (path + "/").starts_with(std::string(own_state) + "/");
}

std::optional<Hiding> ThisGuest::hiding(const PathChange& change) {
    const auto line = read_if_there(own_profile);
    if (!line) throw Error(ErrorKind::failed, "this guest has no view of its overlay");
    const auto region = region_of(parse_kernel_line(*line).profile, root, change.path);
    if (region && change.path == shared_file) return hiding_around_block(own_overlay, change);
    if (!region || is_written_here(change.path)) return std::nullopt;
    return hiding_of(*region, own_overlay, change);
}

void ThisGuest::reset_later(const std::vector<PathChange>& changes) { put_reset_list(own_state, changes); }

std::string ThisGuest::serve(const control::ServiceOrder& order) { return services_.take(order); }

std::vector<control::ServiceState> ThisGuest::services_known() { return services_.known(); }

void ThisGuest::put_password(const control::Password& password) {
    remember_password(root, password);
    put_passwords_into_force(root);
}

bool ThisGuest::is_template() const {
    if (is_there(channel_file) || read_if_there(renewed) == yes) return false;
    return parse_kernel_line(read_if_there("/proc/cmdline").value_or("")).template_ == "ready";
}

void ThisGuest::settle() {
    put_folder(template_folder, 0755);
    put_file(renewed, "no\n", 0644);
    if (!is_there(boot_id_file)) mask_boot_id(boot_id_file);
    if (!settings_.settled.empty()) run_program(settings_.settled, time_to_start);
    services_.settle();
    forget_template(root);
    empty_identity_files(root, settings_);
    put_network_to_rest();
    // What is in memory and on the disk by now need not be brought there by every fork.
    host_key();
    last_introduction();
    for (const auto& file : {settings_.first_page.form, settings_.authorized_keys, std::string(shared_file)})
        read_if_there(file);
    if (mlockall(MCL_CURRENT) != 0) fail("cannot keep all of the guest's end in memory");
    go_first(true);
    sync();
}

void ThisGuest::renew(const control::Renew& renew) {
    renew_kernel(renew);
    overwrite(kernel_boot_id, uuid_form(renew.boot_id), 0444);
    for (const auto& program : settings_.renew) run_program(program, time_to_renew);
    overwrite(renewed, yes, 0644);
}

void ThisGuest::power_off() const {
    put_folder("/run/drover", 0755);
    put_file("/run/drover/power-off", "", 0644);  // for the image's own way down: it is no restart
    if (kill(1, settings_.power_off_signal) != 0) fail("cannot tell init to power off");
}

}  // namespace drover::guest
