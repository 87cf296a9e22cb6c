#include "guest/passwords.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

#include "guest/files.hpp"
#include "guest/mounts.hpp"
#include "model/error.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

constexpr const char* kept = "var/lib/drover/passwords";
constexpr const char* shadow_file = "etc/shadow";
/// In memory: the root's, as it was before it was mounted over, and with the passwords in it.
constexpr const char* folder = "run/drover/shadow";
constexpr const char* original = "run/drover/shadow/root";
constexpr const char* with_passwords = "run/drover/shadow/own";

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        lines.push_back(text.substr(0, text.find('\n')));
        text.remove_prefix(std::min(text.size(), lines.back().size() + 1));
    }
    return lines;
}

/// By user. The lines are the guest's: one that is none is left out.
std::map<std::string, std::string, std::less<>> read_passwords(std::string_view text) {
    std::map<std::string, std::string, std::less<>> passwords;
    for (const auto line : lines_of(text)) {
        const auto message = control::decode_from_daemon("PASSWORD 0 " + std::string(line));
        const auto* password = message ? std::get_if<control::Password>(&*message) : nullptr;
        if (password != nullptr) passwords[password->user] = password->hash;
    }
    return passwords;
}

void keep(const fs::path& root, const std::map<std::string, std::string, std::less<>>& passwords) {
    std::string text;
    for (const auto& [user, hash] : passwords) text += user + " " + hash + "\n";
    put_file(root / kept, text, 0600);
}

bool is_mounted(const fs::path& root) {
    std::error_code none;  // then they are not the same
    return fs::equivalent(root / shadow_file, root / with_passwords, none);
}

/// What the root has, whether its file is mounted over already or not.
std::string shadow_of_root(const fs::path& root) {
    return read_if_there(root / (is_mounted(root) ? original : shadow_file)).value_or("");
}

/// Readable for whom the root's is.
void mount_over_shadow(const fs::path& root, const std::string& before, const std::string& now) {
    const auto file = root / with_passwords, over = root / shadow_file;
    struct stat info {};
    if (stat(over.c_str(), &info) != 0) fail("cannot find /etc/shadow");
    put_folder(root / folder, 0700);
    put_file(root / original, before, 0600);
    put_file(file, now, 0600);
    if (chown(file.c_str(), info.st_uid, info.st_gid) != 0 || chmod(file.c_str(), info.st_mode & 07777) != 0)
        fail("cannot give away " + file.string());
    if (mount(file.c_str(), over.c_str(), nullptr, MS_BIND, nullptr) != 0) fail("cannot mount over /etc/shadow");
}

bool has_user(std::string_view shadow, std::string_view user) {
    const auto lines = lines_of(shadow);
    return std::any_of(lines.begin(), lines.end(),
                       [&](auto line) { return line.starts_with(std::string(user) + ":"); });
}

}  // namespace

std::string shadow_with(std::string_view shadow, std::string_view passwords) {
    const auto known = read_passwords(passwords);
    std::string result;
    for (const auto line : lines_of(shadow)) {
        const auto user = line.substr(0, line.find(':'));
        const auto found = known.find(user);
        const auto rest = line.substr(std::min(line.size(), user.size() + 1));
        const auto after = rest.find(':');
        if (found == known.end() || after == std::string_view::npos)
            result.append(line);
        else
            result.append(user).append(":").append(found->second).append(rest.substr(after));
        result += '\n';
    }
    return result;
}

void remember_password(const fs::path& root, const control::Password& password) {
    if (!has_user(shadow_of_root(root), password.user))
        throw Error(ErrorKind::usage, "this guest has no user '" + password.user + "'");
    auto passwords = read_passwords(read_if_there(root / kept).value_or(""));
    passwords[password.user] = password.hash;
    keep(root, passwords);
}

void put_passwords_into_force(const fs::path& root) {
    const auto passwords = read_if_there(root / kept);
    if (!is_mounted(root) && passwords.value_or("").empty()) return;
    const auto before = shadow_of_root(root);
    const auto now = shadow_with(before, passwords.value_or(""));
    if (!is_mounted(root)) return mount_over_shadow(root, before, now);
    struct stat info {};
    if (stat((root / with_passwords).c_str(), &info) != 0) fail("cannot find the passwords");
    overwrite(root / with_passwords, now, info.st_mode & 07777);
}

void forget_password(const fs::path& root, const std::string& user) {
    auto passwords = read_passwords(read_if_there(root / kept).value_or(""));
    if (passwords.erase(user) == 0) return;
    keep(root, passwords);
    put_passwords_into_force(root);
}

}  // namespace drover::guest
