#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "registry/certain_time.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/sql.hpp"

namespace drover {
namespace {

using Json = nlohmann::json;

const std::string pause_note = "health-pause";
const std::string suspended_note = "health-suspended";

std::optional<std::string> note(soci::session& sql, const std::string& key) {
    return first<std::string>(sql, "SELECT value FROM notes WHERE key = :key", key);
}

void put(soci::session& sql, const std::string& key, const std::string& value) {
    write(sql,
          "INSERT INTO notes (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
          key, value);
}

void drop(soci::session& sql, const std::string& key) { write(sql, "DELETE FROM notes WHERE key = :key", key); }

Time time_of(const Json& json, const char* name) { return Time(Duration(json.at(name).get<long long>())); }

}  // namespace

std::optional<HealthPause> Heals::pause() {
    return session_.read([&](Transaction& transaction) -> std::optional<HealthPause> {
        const auto text = note(transaction.sql, pause_note);
        if (!text) return std::nullopt;
        const auto json = Json::parse(*text);
        HealthPause pause{json.at("who").get<std::string>(), json.at("reason").get<std::string>(),
                          time_of(json, "since"), std::nullopt};
        if (json.contains("until")) pause.left = time_of(json, "until") - peek_certain_time(transaction);
        return pause;
    });
}

void Heals::set_pause(const Caller& caller, const std::optional<Duration>& lasts, const std::string& reason) {
    session_.transact("commit.health", [&](Transaction& transaction) {
        Json json{{"who", caller.who()}, {"reason", reason}, {"since", transaction.now.time_since_epoch().count()}};
        if (lasts) json["until"] = (certain_time(transaction) + *lasts).time_since_epoch().count();
        put(transaction.sql, pause_note, json.dump());
        const auto for_how_long = lasts ? fmt::format(" for {}", to_text(*lasts)) : std::string();
        const auto why = reason.empty() ? std::string() : ": " + reason;
        add_event(transaction, {.kind = "health",
                                .message = fmt::format("{} pauses the ladder{}{}", caller.who(), for_how_long, why)});
    });
}

bool Heals::end_pause(const std::string& who) {
    return session_.transact("commit.health", [&](Transaction& transaction) {
        if (!note(transaction.sql, pause_note)) return false;
        drop(transaction.sql, pause_note);
        add_event(transaction, {.kind = "health", .message = fmt::format("the ladder goes on: {}", who)});
        return true;
    });
}

void Heals::set_suspended(const std::string& reason) {
    session_.transact("commit.health", [&](Transaction& transaction) {
        const auto before = note(transaction.sql, suspended_note);
        if (reason.empty() ? !before : before.has_value()) return;
        if (reason.empty()) {
            drop(transaction.sql, suspended_note);
        } else {
            put(transaction.sql, suspended_note, reason);
        }
        add_event(transaction, {.kind = "health",
                                .message = reason.empty() ? std::string("the ladder is not suspended any more")
                                                          : "the ladder is suspended: " + reason});
    });
}

}  // namespace drover
