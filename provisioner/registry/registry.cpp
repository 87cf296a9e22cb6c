#include "registry/registry.hpp"

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "registry/certain_time.hpp"
#include "registry/migrations.hpp"
#include "registry/sql.hpp"

namespace drover {
namespace {

std::unique_ptr<Session> open_migrated(const Registry::Options& options) {
    auto session =
        std::make_unique<Session>(options.file, SessionOptions{options.clock, options.uptime, options.reserve});
    migrate(*session, options.migrations);
    return session;
}

/// The file's UUID; the first time, a new one. The time of this boot counts from here on.
std::string uuid_of(Session& session) {
    const std::string key = "uuid", fresh = to_string(boost::uuids::random_generator()());
    return session.transact("commit.note", [&](Transaction& transaction) {
        certain_time(transaction);
        write(transaction.sql, "INSERT INTO notes (key, value) VALUES (:key, :value) ON CONFLICT DO NOTHING", key,
              fresh);
        return *first<std::string>(transaction.sql, "SELECT value FROM notes WHERE key = :key", key);
    });
}

}  // namespace

Registry::Registry(const Options& options)
    : session_(open_migrated(options)),
      uuid_(uuid_of(*session_)),
      owners(*session_),
      guests(*session_, options.rules),
      copies(*session_),
      services(*session_),
      leases(*session_),
      pools(*session_),
      heals(*session_),
      openings(*session_),
      images(*session_),
      operations(*session_),
      events(*session_) {}

Registry::~Registry() = default;

std::optional<std::string> Registry::note(const std::string& key) {
    return session_->read([&](Transaction& transaction) {
        return first<std::string>(transaction.sql, "SELECT value FROM notes WHERE key = :key", key);
    });
}

void Registry::set_note(const std::string& key, const std::string& value) {
    session_->transact("commit.note", [&](Transaction& transaction) {
        write(transaction.sql,
              "INSERT INTO notes (key, value) VALUES (:key, :value) "
              "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
              key, value);
    });
}

void Registry::drop_note(const std::string& key) {
    session_->transact("commit.note", [&](Transaction& transaction) {
        write(transaction.sql, "DELETE FROM notes WHERE key = :key", key);
    });
}

std::vector<std::string> Registry::note_keys(const std::string& beginning) {
    return session_->read([&](Transaction& transaction) {
        auto keys = rows<std::string>(transaction.sql, "SELECT key FROM notes");
        std::erase_if(keys, [&](const std::string& key) { return !key.starts_with(beginning); });
        return keys;
    });
}

const CallMeter& Registry::writes() const { return session_->writes(); }

void Registry::backup(const std::string& file) { session_->copy_to(file); }

}  // namespace drover
