#include "storage/archive.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "model/error.hpp"
#include "model/failpoint.hpp"
#include "process/process.hpp"
#include "storage/durable.hpp"
#include "storage/qcow2.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

constexpr auto longest_work = std::chrono::hours(6);
constexpr int format_version = 1;
constexpr const char* manifest_name = "manifest.json";
constexpr const char* overlay_name = "overlay.qcow2";

const char* format_of(Kind kind) { return kind == Kind::vm ? "qcow2" : "raw"; }

void work(std::vector<std::string> argv, const fs::path& folder) {
    run_writer({.argv = std::move(argv), .folder = folder, .deadline = longest_work}, folder);
}

void expect_regular(const fs::path& file) {
    struct stat info {};
    if (::lstat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1) return;
    throw Error(ErrorKind::refused, fmt::format("'{}' is no plain file", file.string()));
}

/// The formats are said: what the file itself claims to be backed by is not for QEMU to find out.
void convert(const fs::path& from, const char* from_format, const fs::path& to, const char* to_format) {
    work({"qemu-img", "convert", "-f", from_format, "-O", to_format, from, to}, to.parent_path());
}

std::string json_of(const ArchiveFacts& facts) {
    const nlohmann::ordered_json json{
        {"drover_archive", format_version}, {"name", facts.name},         {"owner", facts.owner},
        {"kind", to_text(facts.kind)},      {"image", facts.image},       {"version", facts.version},
        {"profile", facts.profile},         {"registry", facts.registry}, {"copy", facts.copy}};
    return json.dump(2) + "\n";
}

ArchiveFacts facts_of(const std::string& text, const fs::path& file) {
    try {
        const auto json = nlohmann::json::parse(text);
        if (json.at("drover_archive").get<int>() > format_version)
            throw Error(ErrorKind::refused, fmt::format("'{}' was written by a later Drover", file.string()));
        return {.name = json.at("name"),
                .owner = json.at("owner"),
                .image = json.at("image"),
                .version = json.at("version"),
                .profile = json.at("profile"),
                .kind = parse_kind(json.at("kind").get<std::string>()),
                .copy = json.at("copy"),
                .registry = json.at("registry")};
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::refused, fmt::format("'{}' is no archive of a guest", file.string()));
    }
}

bool is_there(const fs::path& file) { return fs::exists(fs::symlink_status(file)); }

}  // namespace

long long write_archive(const ArchiveFacts& facts, const std::string& overlay, const fs::path& file) {
    make_folders(file.parent_path());
    if (!is_there(file)) {
        const Scratch scratch(file.parent_path());
        if (facts.kind == Kind::vm) expect_plain_qcow2(overlay, Backing::allowed);
        write_new_file(scratch.path() / manifest_name, json_of(facts), 0600);
        convert(overlay, format_of(facts.kind), scratch.path() / overlay_name, "qcow2");
        const auto whole = scratch.path() / "archive";
        work({"tar", "--create", "--file", whole, "--owner=0", "--group=0", manifest_name, overlay_name},
             scratch.path());
        if (::chmod(whole.c_str(), 0600) != 0) throw_errno("set the mode of", whole);
        sync_path(whole);
        failpoint("copy.made");
        rename_new(whole, file);
    }
    if (read_archive(file) != facts)
        throw Error(ErrorKind::refused, fmt::format("there is another file '{}'", file.string()), "name a new one");
    return static_cast<long long>(fs::file_size(file));
}

ArchiveFacts read_archive(const fs::path& file) {
    constexpr std::size_t longest_manifest = 1 << 16;
    expect_regular(file);
    const auto outcome =
        run({.argv = {"tar", "--extract", "--to-stdout", "--occurrence=1", "--file", file, manifest_name},
             .output_limit = longest_manifest});
    return facts_of(outcome.ok() ? outcome.output : "", file);
}

void extract_overlay(const fs::path& file, Kind kind, const fs::path& scratch, const fs::path& to) {
    work({"tar", "--extract", "--no-same-owner", "--occurrence=1", "--file", file, overlay_name}, scratch);
    const auto overlay = scratch / overlay_name;
    expect_regular(overlay);
    expect_plain_qcow2(overlay, Backing::refused);
    convert(overlay, "qcow2", to, format_of(kind));
    sync_path(to);
}

}  // namespace drover
