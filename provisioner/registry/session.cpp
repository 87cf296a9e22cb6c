#include "registry/session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "model/error.hpp"
#include "model/unique_fd.hpp"
#include "registry/sqlite.hpp"

namespace drover {
namespace {

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
      reserve_(std::filesystem::absolute(file).parent_path() / "reserve", options_.reserve),
      writer_(file, [this] { return reserve_.give_up(); }),
      readers_(file) {}

void Session::write(std::string_view commit, const std::function<void(Transaction&)>& work) {
    bool event_added = false;
    writer_.run(commit, [&](soci::session& sql) {
        Transaction transaction{sql, options_.clock(), options_.uptime};
        work(transaction);
        event_added = transaction.event_added;
    });
    reserve_.restore();
    if (event_added && events_added_) events_added_();
}

void Session::look(const std::function<void(Transaction&)>& work) {
    Readers::Loan reader(readers_);
    Transaction transaction{*reader, options_.clock(), options_.uptime};
    try {
        *reader << "BEGIN";
        work(transaction);
        *reader << "COMMIT";
    } catch (const soci::soci_error& error) {
        roll_back(*reader);
        throw translated(error);
    } catch (...) {
        roll_back(*reader);
        throw;
    }
}

void Session::copy_to(const std::string& file) const {
    if (std::filesystem::exists(file)) throw Error(ErrorKind::refused, fmt::format("{} exists", file));
    const auto part = file + ".part";
    std::error_code ignored;  // VACUUM INTO refuses a file that could not be removed
    std::filesystem::remove(part, ignored);
    keep_private(part);
    soci::session reader;  // a connection of its own, so that writers need not wait
    connect(reader, file_);
    try {
        reader << "VACUUM INTO :part", soci::use(part);
    } catch (const soci::soci_error& error) {
        throw translated(error).within("copy to " + file);
    }
    publish(part, file);
}

}  // namespace drover
