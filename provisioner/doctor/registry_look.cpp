#include <fmt/format.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "doctor/look.hpp"
#include "model/error.hpp"

namespace drover::doctor {
namespace {

long long number(soci::session& sql, const std::string& query) {
    long long value = 0;
    soci::indicator seen = soci::i_null;
    sql << query, soci::into(value, seen);
    return sql.got_data() && seen == soci::i_ok ? value : 0;
}

/// "kvm" or "tcg", if that was found out since the host's boot.
std::string accelerator(soci::session& sql, const std::string& boot_id) {
    std::string note;
    sql << "SELECT value FROM notes WHERE key = 'accelerator'", soci::into(note);
    return sql.got_data() && note.starts_with(boot_id + " ") ? note.substr(boot_id.size() + 1) : "";
}

/// What the last event of any template says, if it failed.
std::string template_trouble(soci::session& sql) {
    std::string kind, message;
    sql << "SELECT kind, message FROM events WHERE kind LIKE 'template-%' ORDER BY id DESC LIMIT 1", soci::into(kind),
        soci::into(message);
    return sql.got_data() && kind == "template-failed" ? message : "";
}

/// Why health restarts nobody; empty: no reason. A pause is JSON, of which the words are enough.
std::string ladder(soci::session& sql) {
    std::string key, value;
    sql << "SELECT key, value FROM notes WHERE key IN ('health-pause', 'health-suspended') ORDER BY key LIMIT 1",
        soci::into(key), soci::into(value);
    if (!sql.got_data()) return "";
    if (key == "health-suspended") return "the ladder is suspended: " + value;
    const auto pause = nlohmann::json::parse(value, nullptr, false);
    if (!pause.is_object()) return "the ladder is paused";
    return fmt::format("the ladder is paused by {}: {}", pause.value("who", "?"), pause.value("reason", ""));
}

/// A registry that no daemon of this version has opened yet has none.
void read_pools(soci::session& sql, Herd& herd) {
    if (number(sql, "SELECT count(*) FROM sqlite_master WHERE name = 'pools'") == 0) return;
    herd.pools = number(sql, "SELECT count(*) FROM pools");
    soci::rowset<std::string> failing =
        (sql.prepare
         << "SELECT image || '/' || profile || '/' || kind || ': ' || failures || ' members in a row failed: ' "
            "|| reason FROM pools WHERE failures >= 3 ORDER BY image, profile, kind");
    herd.failing_pools.assign(failing.begin(), failing.end());
}

Herd read(const std::string& file, const std::string& boot_id) {
    soci::session sql(soci::sqlite3, fmt::format("dbname=\"{}\" timeout=10 readonly=true", file));
    const soci::transaction snapshot(sql);
    Herd herd;
    herd.guests = number(sql, "SELECT count(*) FROM guests WHERE phase <> 'gone'");
    herd.ready = number(sql, "SELECT count(*) FROM guests WHERE phase <> 'gone' AND desired = 'ready'");
    herd.accelerator = accelerator(sql, boot_id);
    herd.ladder = ladder(sql);
    herd.template_trouble = template_trouble(sql);
    const auto newest = number(sql, "SELECT max(time) FROM (SELECT time FROM events ORDER BY id DESC LIMIT 1000)");
    read_pools(sql, herd);
    if (newest > 0) herd.newest_event = Time(Duration(newest));
    return herd;
}

}  // namespace

Herd read_herd(const std::string& file, const std::string& boot_id) {
    std::error_code error;
    if (const auto status = std::filesystem::status(file, error);
        status.type() == std::filesystem::file_type::not_found)
        return {};
    try {
        return read(file, boot_id);
    } catch (const soci::soci_error& failure) {
        throw Error(ErrorKind::unavailable,
                    fmt::format("cannot read the registry {}: {}", file, failure.get_error_message()),
                    "look as root: drover doctor, or droverd --doctor");
    }
}

}  // namespace drover::doctor
