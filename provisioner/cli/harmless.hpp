#pragma once
#include <string>
#include <string_view>

namespace drover::cli {

/// What a guest printed, made into what does nothing to a terminal: lines of letters. Colours and other sequences of a
/// terminal's language are left out, what is no UTF-8 or no letter is shown as '?'. It comes in pieces.
class Harmless {
  public:
    std::string of(std::string_view piece);

  private:
    enum class State { text, escape, sequence, string };

    void take(unsigned char byte, std::string& out);
    void take_text(unsigned char byte, std::string& out);
    void end_letter(std::string& out);

    State state_ = State::text;
    std::string letter_;  ///< of UTF-8, so far
    std::size_t expected_ = 0;
};

}  // namespace drover::cli
