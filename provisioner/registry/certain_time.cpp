#include "registry/certain_time.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "registry/sql.hpp"

namespace drover {
namespace {

using Json = nlohmann::json;

/// The certain time at one moment of one boot.
struct Mark {
    Uptime uptime;
    Time time;
};

const std::string note = "certain-time";

std::optional<Mark> last_mark(soci::session& sql) {
    const auto text = first<std::string>(sql, "SELECT value FROM notes WHERE key = :key", note);
    if (!text) return std::nullopt;
    const auto json = Json::parse(*text);
    return Mark{{json.at("boot"), Duration(json.at("since-boot").get<long long>())},
                Time(Duration(json.at("time").get<long long>()))};
}

void keep(soci::session& sql, const Mark& mark) {
    const auto text = Json{{"boot", mark.uptime.boot},
                           {"since-boot", mark.uptime.since_boot.count()},
                           {"time", mark.time.time_since_epoch().count()}}
                          .dump();
    write(sql,
          "INSERT INTO notes (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
          note, text);
}

Mark mark_now(Transaction& transaction) {
    Mark mark{transaction.uptime(), transaction.now};
    if (const auto last = last_mark(transaction.sql)) {
        const bool same_boot = last->uptime.boot == mark.uptime.boot;
        const auto passed = same_boot ? mark.uptime.since_boot - last->uptime.since_boot : Duration::zero();
        mark.time = last->time + std::max(passed, Duration::zero());
    }
    return mark;
}

}  // namespace

Time certain_time(Transaction& transaction) {
    const Mark mark = mark_now(transaction);
    keep(transaction.sql, mark);
    return mark.time;
}

Time peek_certain_time(Transaction& transaction) { return mark_now(transaction).time; }

}  // namespace drover
