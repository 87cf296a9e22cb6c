#include <algorithm>
#include <string>
#include <vector>

#include "control/codec.hpp"
#include "fuzz.hpp"

/// The stream of a control channel, as the daemon and as the guest's end read it.
namespace drover::control {
namespace {

using fuzz::hold;

/// What was understood reads the same once it was written.
template <typename Decode> void read(const std::string& line, Decode decode) {
    const auto message = decode(line);
    if (!message) return;
    auto written = encode(*message);
    hold(written.ends_with('\n'), "a message does not end its line");
    written.pop_back();
    hold(decode(written) == message, "a message reads as another once it was written");
}

/// The lines of a stream that arrives in pieces of that many bytes.
std::vector<std::string> lines_of(std::string_view stream, std::size_t piece, bool synchronise) {
    LineReader reader(synchronise);
    std::vector<std::string> lines;
    for (; !stream.empty(); stream.remove_prefix(std::min(piece, stream.size())))
        for (auto& line : reader.feed(stream.substr(0, piece))) lines.push_back(std::move(line));
    return lines;
}

}  // namespace
}  // namespace drover::control

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace control = drover::control;
    using drover::fuzz::hold;
    const drover::fuzz::Input input(data, size);
    const bool synchronise = input.choice % 2 == 1;
    const auto lines = control::lines_of(input.text, input.text.size() + 1, synchronise);
    hold(lines == control::lines_of(input.text, input.choice + 1, synchronise), "lines depend on how bytes arrive");
    for (const auto& line : lines) {
        hold(line.size() < control::max_line, "a line is over its bound");
        // Neither end may refuse by throwing: a bad line is one that is not understood.
        control::read(line, control::decode_from_guest);
        control::read(line, control::decode_from_daemon);
    }
    return 0;
}
