#include "registry/sqlite.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "model/unique_fd.hpp"

namespace drover {
namespace {

Error disk_full(const std::string& detail) {
    return {ErrorKind::unavailable, "registry: disk full: " + detail,
            "nothing was changed; make room on the file system of the state folder, then try again"};
}

/// Nobody shares a connection without a lock of his own, and nobody asks how much memory SQLite uses: the locks that it
/// would take for these, at every column read and every allocation, are too many. Before the first connection.
bool without_needless_locks() {
    return sqlite_api::sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK &&
           sqlite_api::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
}

constexpr int primary_code = 0xff;

int code_of(const soci::soci_error& error) {
    const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
    return sqlite == nullptr ? SQLITE_ERROR : sqlite->result() & primary_code;
}

}  // namespace

Error unavailable(const std::string& what, const std::string& detail) {
    return {ErrorKind::unavailable, fmt::format("registry: {}: {}", what, detail),
            "nothing was changed; mend the disk under the state folder, then try again"};
}

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

void keep_private(const std::string& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!fd || ::fchmod(fd.get(), 0600) != 0) throw unavailable("cannot open " + file, std::strerror(errno));
}

void connect(soci::session& sql, const std::string& file) {
    [[maybe_unused]] static const bool set = without_needless_locks();
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

bool is_of_the_disk(const soci::soci_error& error) {
    const int code = code_of(error);
    return code == SQLITE_FULL || code == SQLITE_IOERR;
}

void roll_back(soci::session& sql) {
    try {
        sql << "ROLLBACK";
    } catch (const soci::soci_error&) {  // none was open
    }
}

}  // namespace drover
