#pragma once
#include <termios.h>

#include <optional>
#include <string>

#include "model/unique_fd.hpp"

namespace drover::cli {

/// A terminal that passes every key on at once and unchanged, for as long as this lives. However the program ends, by
/// SIGKILL too, the terminal is what it was before: a small process of its own waits for that end.
class RawTerminal {
  public:
    /// `input` is a terminal. `farewell` is written to `output`, if that is one, when this ends.
    RawTerminal(int input, int output, std::string farewell);
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

  private:
    [[noreturn]] void guard(int lifeline) const;
    void restore() const;

    int input_, output_;
    std::string farewell_;
    termios before_{}, raw_{};
    UniqueFd lifeline_;
    int guardian_ = -1;
};

/// SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGWINCH as a file to poll, while this lives.
class SignalFile {
  public:
    SignalFile();
    ~SignalFile();
    SignalFile(const SignalFile&) = delete;
    SignalFile& operator=(const SignalFile&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }
    /// The next one that came; 0: none.
    [[nodiscard]] int next() const;

  private:
    sigset_t before_{};
    UniqueFd fd_;
};

/// Columns and rows of the terminal; 80 by 24 where it does not say.
struct Size {
    int columns = 80, rows = 24;
};
Size size_of_terminal(int fd);

/// Writes all of it, waiting as long as that takes. False: nobody reads any more.
bool write_all(int fd, std::string_view text);

}  // namespace drover::cli
