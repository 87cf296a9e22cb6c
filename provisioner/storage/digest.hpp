#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace drover {

/// SHA-256 over what is added, piece by piece.
class Digest {
  public:
    Digest();
    ~Digest();
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;

    Digest& add(std::string_view bytes);
    /// The content of a file, read in pieces; `pause` (may be empty) is called before each of them, and may throw.
    /// Error{failed} naming the file.
    Digest& add_file(const std::filesystem::path& path, const std::function<void()>& pause = {});
    /// 64 hex digits. Once, at the end.
    std::string hex();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// SHA-256 of a file's content, 64 hex digits.
std::string digest_of_file(const std::filesystem::path& path);

}  // namespace drover
