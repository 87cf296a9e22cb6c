#include "guest/identity_files.hpp"

#include <fcntl.h>

#include <cstdio>
#include <exception>

#include "control/fields.hpp"
#include "guest/files.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

using control::FromDaemon;

constexpr const char* last_identity = "var/lib/drover/identity";

void put_block(const fs::path& path, const std::string& block, mode_t mode) {
    put_file(path, with_block(read_if_there(path).value_or(""), block), mode, Durable::later);
}

std::string hosts_block(const control::Identity& identity) {
    std::string lines;
    for (const auto& address : {identity.address, identity.address6})
        if (!address.empty())
            lines += address.substr(0, address.find('/')) + " " + identity.name + "." + identity.domain + " " +
                     identity.name + "\n";
    return lines;
}

std::string resolver(const control::Identity& identity) {
    return "search " + identity.domain + "\nnameserver " + identity.dns + "\n";
}

std::string key_lines(const std::vector<std::string>& keys) {
    std::string lines;
    for (const auto& key : keys) lines += key + "\n";
    return lines;
}

std::string replaced(std::string text, std::string_view word, const std::string& by) {
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + by.size()))
        text.replace(at, word.size(), by);
    return text;
}

}  // namespace

void put_identity_files(const fs::path& root, const Settings& settings, const Introduction& introduction) {
    const auto& identity = introduction.identity;
    const auto authorized_keys = below(root, settings.authorized_keys);
    put_folder(authorized_keys.parent_path(), 0700);
    put_block(authorized_keys, key_lines(introduction.authorized_keys), 0600);
    if (settings.by_cloud_init) return;
    put_file(root / "etc/machine-id", identity.machine_id + "\n", 0444, Durable::later);
    put_file(root / "etc/hostname", identity.name + "\n", 0644, Durable::later);
    put_block(root / "etc/hosts", hosts_block(identity), 0644);
    put_file(root / "etc/resolv.conf", resolver(identity), 0644, Durable::later);
}

void empty_identity_files(const fs::path& root, const Settings& settings) {
    const auto authorized_keys = below(root, settings.authorized_keys);
    put_folder(authorized_keys.parent_path(), 0700);
    put_file(authorized_keys, read_if_there(authorized_keys).value_or(""), 0600);
    put_file(below(root, settings.host_key), "", 0600);
    put_file(root / "etc/machine-id", "", 0444);
    for (const char* ours : {"etc/hostname", "etc/resolv.conf"}) put_file(root / ours, "", 0644);
    // Of the image's until somebody opens it to write.
    const UniqueFd hosts(open((root / "etc/hosts").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!hosts) fail("cannot write /etc/hosts");
}

void put_first_page(const fs::path& root, const Settings& settings, const control::Identity& identity) try {
    const auto form =
        settings.first_page.form.empty() ? std::nullopt : read_if_there(below(root, settings.first_page.form));
    const auto file = below(root, settings.first_page.file);
    if (!form || identity.owner.empty() || !is_folder(file.parent_path()) || !fs::is_empty(file.parent_path())) return;
    put_file(file, replaced(replaced(*form, "@NAME@", identity.name), "@OWNER@", identity.owner), 0644, Durable::later);
} catch (const std::exception& error) {
    std::fprintf(stderr, "drover-guest: no first page: %s\n", error.what());  // NOLINT(cert-err33-c)
}

std::vector<std::string> identity_files(const Settings& settings) {
    return {"/etc/hostname",          "/etc/hosts",     "/etc/machine-id", "/etc/resolv.conf",
            settings.authorized_keys, settings.host_key};
}

bool put_host_key_file(const fs::path& root, const Settings& settings, std::string_view seed) {
    return put_file(below(root, settings.host_key), private_key_file(settings.host_key_format, seed), 0600,
                    Durable::later);
}

std::string read_host_key(const fs::path& root, const Settings& settings) {
    const auto content = read_if_there(below(root, settings.host_key));
    const auto key = content ? public_key_in(settings.host_key_format, *content) : std::nullopt;
    return key ? control::to_base64(*key) : "";
}

void remember(const fs::path& root, const Introduction& introduction) {
    std::string lines;
    for (const auto& key : introduction.authorized_keys)
        lines += control::encode(FromDaemon(control::Key{0, "authorized", key}));
    const auto& identity = introduction.identity;
    if (!identity.address6.empty())
        lines += control::encode(FromDaemon(control::TellAddress6{0, identity.address6, identity.gateway6}));
    lines += control::encode(FromDaemon(control::Introduce{0, identity}));
    put_file(root / last_identity, lines, 0600, Durable::later);
}

std::optional<Introduction> recall(const fs::path& root) {
    const auto text = read_if_there(root / last_identity);
    if (!text) return std::nullopt;
    Introduction introduction;
    control::TellAddress6 address6;
    bool complete = false;
    control::LineReader reader(false);
    for (const auto& line : reader.feed(*text)) {
        const auto message = control::decode_from_daemon(line);
        const auto* key = message ? std::get_if<control::Key>(&*message) : nullptr;
        const auto* introduce = message ? std::get_if<control::Introduce>(&*message) : nullptr;
        const auto* told = message ? std::get_if<control::TellAddress6>(&*message) : nullptr;
        if (key == nullptr && introduce == nullptr && told == nullptr) return std::nullopt;
        if (told != nullptr) address6 = *told;
        if (key != nullptr) introduction.authorized_keys.push_back(key->text);
        if (introduce != nullptr) introduction.identity = introduce->identity;
        complete |= introduce != nullptr;
    }
    introduction.identity.address6 = address6.address;
    introduction.identity.gateway6 = address6.gateway;
    return complete ? std::optional(introduction) : std::nullopt;
}

}  // namespace drover::guest
