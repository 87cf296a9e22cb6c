#include "registry/session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "model/error.hpp"
#include "model/failpoint.hpp"
#include "model/unique_fd.hpp"

// The only file that knows that the database is SQLite: its pragmas, its error codes, BEGIN IMMEDIATE (take the write
// lock at once, so that no transaction fails half-way for want of it) and VACUUM INTO (a consistent copy of a database
// in use).
namespace drover {
namespace {

Error unavailable(const std::string& what, const std::string& detail) {
    return {ErrorKind::unavailable, fmt::format("registry: {}: {}", what, detail),
            "nothing was changed; mend the disk under the state folder, then try again"};
}

Error disk_full(const std::string& detail) {
    return {ErrorKind::unavailable, "registry: disk full: " + detail,
            "nothing was changed; make room on the file system of the state folder, then try again"};
}

constexpr int primary_code = 0xff;

int code_of(const soci::soci_error& error) {
    const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
    return sqlite == nullptr ? SQLITE_ERROR : sqlite->result() & primary_code;
}

/// SQLite's result codes as errors that a caller can act on.
Error translated(const soci::soci_error& error) {
    const auto detail = error.get_error_message();
    switch (code_of(error)) {
        case SQLITE_CONSTRAINT: return {ErrorKind::refused, "registry: conflict: " + detail};
        case SQLITE_FULL: return disk_full(detail);
        case SQLITE_IOERR: return unavailable("disk error", detail);
        case SQLITE_CANTOPEN: return unavailable("cannot open", detail);
        case SQLITE_READONLY: return unavailable("read-only", detail);
        case SQLITE_BUSY:
            return {ErrorKind::unavailable, "registry: in use by another program: " + detail, "end it, then try again"};
        default: return {ErrorKind::failed, "registry: " + detail};
    }
}

/// Nobody but us reads the registry: an absent file is made so before SQLite would make it for everybody. Never for a
/// file that a connection of this process has open: closing it here would drop SQLite's locks on it.
void keep_private(const std::string& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!fd || ::fchmod(fd.get(), 0600) != 0) throw unavailable("cannot open " + file, std::strerror(errno));
}

void open(soci::session& sql, const std::string& file) {
    try {
        sql.open(soci::sqlite3, fmt::format("dbname=\"{}\" timeout=10", file));
        std::string mode;
        sql << "PRAGMA journal_mode = WAL", soci::into(mode);
        if (mode != "wal") throw unavailable("no write-ahead log for " + file, "journal mode " + mode);
        sql << "PRAGMA synchronous = FULL";
        sql << "PRAGMA foreign_keys = ON";
    } catch (const soci::soci_error& error) {
        throw translated(error).within(file);
    }
}

/// Rolls back unless committed.
class Bracket {
  public:
    Bracket(soci::session& sql, bool writes) : sql_(sql) {
        if (writes) {
            sql_ << "BEGIN IMMEDIATE";
        } else {
            sql_ << "BEGIN";
        }
    }
    void commit() {
        sql_ << "COMMIT";
        open_ = false;
    }
    Bracket(const Bracket&) = delete;
    Bracket& operator=(const Bracket&) = delete;
    ~Bracket() {
        if (!open_) return;
        try {
            sql_ << "ROLLBACK";
        } catch (const soci::soci_error&) {
            // A full disk and the like have rolled back already: then there is nothing to roll back, and SQLite says
            // so.
        }
    }

  private:
    soci::session& sql_;
    bool open_ = true;
};

void sync_to_disk(const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) throw unavailable("cannot sync " + path.string(), std::strerror(errno));
}

/// Gives a finished file its name, which nobody may have.
void publish(const std::filesystem::path& part, const std::filesystem::path& file) {
    sync_to_disk(part);
    std::error_code error, ignored;  // a part left over is removed by the next copy
    std::filesystem::create_hard_link(part, file, error);
    std::filesystem::remove(part, ignored);
    if (error == std::errc::file_exists) throw Error(ErrorKind::refused, fmt::format("{} exists", file.string()));
    if (error) throw unavailable("cannot write " + file.string(), error.message());
    sync_to_disk(std::filesystem::absolute(file).parent_path());
}

}  // namespace

Session::Session(const std::string& file, SessionOptions options)
    : file_(file),
      options_(std::move(options)),
      reserve_(std::filesystem::absolute(file).parent_path() / "reserve", options_.reserve) {
    keep_private(file);
    open(*writer_.lock(), file);
    auto reader = reader_.lock();
    open(*reader, file);
    *reader << "PRAGMA query_only = ON";
}

void Session::run(std::string_view commit, const std::function<void(Transaction&)>& work) {
    bool event_added = false;
    try {
        event_added = run_once(commit, work);
    } catch (const soci::soci_error& error) {
        const int code = code_of(error);
        if ((code != SQLITE_FULL && code != SQLITE_IOERR) || !reserve_.give_up()) throw translated(error);
        try {
            event_added = run_once(commit, work);
        } catch (const soci::soci_error& again) {
            throw translated(again);
        }
    }
    if (!commit.empty()) reserve_.restore();
    if (event_added && events_added_) events_added_();
}

bool Session::run_once(std::string_view commit, const std::function<void(Transaction&)>& work) {
    auto database = (commit.empty() ? reader_ : writer_).lock();
    Transaction transaction{*database, options_.clock(), options_.uptime};
    Bracket bracket(*database, !commit.empty());
    work(transaction);
    failpoint(commit, ".before");
    bracket.commit();
    failpoint(commit, ".after");
    return transaction.event_added;
}

void Session::copy_to(const std::string& file) const {
    if (std::filesystem::exists(file)) throw Error(ErrorKind::refused, fmt::format("{} exists", file));
    const auto part = file + ".part";
    std::error_code ignored;  // VACUUM INTO refuses a file that could not be removed
    std::filesystem::remove(part, ignored);
    keep_private(part);
    soci::session reader;  // a connection of its own, so that writers need not wait
    open(reader, file_);
    try {
        reader << "VACUUM INTO :part", soci::use(part);
    } catch (const soci::soci_error& error) {
        throw translated(error).within("copy to " + file);
    }
    publish(part, file);
}

}  // namespace drover
