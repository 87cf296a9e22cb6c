#include "cli/backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <ostream>

#include "cli/client.hpp"
#include "cli/output.hpp"
#include "model/unique_fd.hpp"

namespace drover::cli {
namespace {

Error cannot(const std::string& what, const std::string& file) {
    return {ErrorKind::failed, fmt::format("cannot {} '{}': {}", what, file, std::strerror(errno)),
            "nothing was kept; try another place"};
}

/// A file that is written beside its place and appears there whole, or not at all.
class NewFile {
  public:
    explicit NewFile(std::string file) : file_(std::move(file)), aside_(file_ + ".XXXXXX") {
        if (std::filesystem::symlink_status(file_).type() != std::filesystem::file_type::not_found) throw exists();
        fd_ = UniqueFd(::mkostemp(aside_.data(), O_CLOEXEC));  // mode 0600: it holds who owns what
        if (!fd_) throw cannot("create", aside_);
    }
    ~NewFile() {
        if (fd_) ::unlink(aside_.c_str());
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    void write(std::string_view piece) {
        bytes_ += piece.size();
        while (!piece.empty()) {
            const auto written = ::write(fd_.get(), piece.data(), piece.size());
            if (written < 0 && errno != EINTR) throw cannot("write", aside_);
            if (written > 0) piece.remove_prefix(static_cast<std::size_t>(written));
        }
    }

    void keep() {
        if (::fsync(fd_.get()) != 0) throw cannot("write", aside_);
        if (::renameat2(AT_FDCWD, aside_.c_str(), AT_FDCWD, file_.c_str(), RENAME_NOREPLACE) != 0) {
            throw errno == EEXIST ? exists() : cannot("create", file_);
        }
        fd_ = UniqueFd();
        const auto parent = std::filesystem::path(file_).parent_path();
        const UniqueFd folder(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!folder || ::fsync(folder.get()) != 0) throw cannot("write the folder of", file_);
    }

    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    [[nodiscard]] Error exists() const {
        return {ErrorKind::refused, fmt::format("'{}' exists", file_), "a backup never overwrites: name a new file"};
    }

    std::string file_, aside_;
    UniqueFd fd_;
    std::size_t bytes_ = 0;
};

}  // namespace

int keep_registry(Context& context, const std::string& path) {
    NewFile file(path);
    Client(context.socket).stream("/v1/backup", [&](std::string_view piece) { file.write(piece); });
    file.keep();
    if (context.json) {
        print_json(context.console, {{"file", path}, {"bytes", file.bytes()}});
    } else {
        context.console.out << fmt::format("registry kept in {} ({} bytes)\n", path, file.bytes());
    }
    return 0;
}

}  // namespace drover::cli
