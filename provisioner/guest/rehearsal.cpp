#include "guest/rehearsal.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "guest/files.hpp"
#include "guest/identity_files.hpp"
#include "guest/mounts.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

const fs::path stage = fs::path(own_state) / "rehearsal";

Introduction of_nobody() {
    return {{"nobody", "drover.internal", "nobody", "192.0.2.2/24", "192.0.2.1", "192.0.2.1", "52:54:00:00:00:00",
             std::string(32, '0'), 0},
            {"ssh-ed25519 nobody"}};
}

void build_stage(const Settings& settings) {
    fs::remove_all(stage);
    for (const auto& file :
         {settings.host_key, settings.authorized_keys, settings.first_page.file, settings.first_page.form,
          std::string("etc/hosts"), std::string("var/lib/drover/identity")})
        fs::create_directories(below(stage, file).parent_path());
    if (const auto form = read_if_there(settings.first_page.form))
        put_file(below(stage, settings.first_page.form), *form, 0644, Durable::later);
}

/// Where the ssh server's keys are, another file system may lie over the disk.
void touch_keys(const Settings& settings) {
    const auto beside = settings.host_key + ".rehearsal";
    put_file(beside, "nobody", 0600, Durable::later);
    fs::remove(beside);
}

void play(const Settings& settings) {
    build_stage(settings);
    touch_keys(settings);
    put_host_key_file(stage, settings, std::string(32, '0'));
    put_identity_files(stage, settings, of_nobody());
    remember(stage, of_nobody());
    put_first_page(stage, settings, of_nobody().identity);
    sync_file_system(own_state);
    if (const auto last = recall(stage)) put_file(stage / "in-force", last->digest(), 0644, Durable::later);
    fs::remove_all(stage);
    sync_file_system(own_state);
}

}  // namespace

void rehearse(const Settings& settings) try { play(settings); } catch (const std::exception& error) {
    std::fprintf(stderr, "drover-guest: rehearsal: %s\n", error.what());  // NOLINT(cert-err33-c)
}

}  // namespace drover::guest
