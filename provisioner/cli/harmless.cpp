#include "cli/harmless.hpp"

namespace drover::cli {
namespace {

constexpr unsigned char escape = 0x1b, bell = 0x07;

/// How long the letter is that begins so; 0: none does.
std::size_t length_of(unsigned char byte) {
    if (byte >= 0xc2 && byte < 0xe0) return 2;
    if (byte >= 0xe0 && byte < 0xf0) return 3;
    return byte >= 0xf0 && byte < 0xf5 ? 4 : 0;
}

/// The controls that have two bytes, and what changes the direction of text or cannot be seen.
bool is_control(const std::string& letter) {
    if (letter.size() == 2) return letter[0] == '\xc2' && static_cast<unsigned char>(letter[1]) < 0xa0;
    if (letter.size() != 3) return false;
    const auto second = static_cast<unsigned char>(letter[1]);
    const bool is_general = letter[0] == '\xe2' && (second == 0x80 || second == 0x81);
    const bool is_surrogate = letter[0] == '\xed' && second >= 0xa0;
    const bool is_overlong = letter[0] == '\xe0' && second < 0xa0;
    if (is_surrogate || is_overlong) return true;
    const auto third = static_cast<unsigned char>(letter[2]);
    if (!is_general) return false;
    const bool is_mark = second == 0x80 && ((third >= 0x8b && third <= 0x8f) || (third >= 0xa8 && third <= 0xae));
    return is_mark || (second == 0x81 && third >= 0xa0 && third <= 0xaf);
}

}  // namespace

std::string Harmless::of(std::string_view piece) {
    std::string out;
    for (const char c : piece) take(static_cast<unsigned char>(c), out);
    return out;
}

void Harmless::take(unsigned char byte, std::string& out) {
    switch (state_) {
        case State::text: return take_text(byte, out);
        case State::escape:
            state_ = byte == '[' ? State::sequence : State::text;
            if (byte == ']' || byte == 'P' || byte == '_' || byte == '^' || byte == 'X') state_ = State::string;
            return;
        case State::sequence:  // up to its last byte; a line end is none of it
            if (byte == escape) state_ = State::escape;
            if (byte < 0x20 && byte != escape) state_ = State::text, take_text(byte, out);
            if (byte >= 0x40) state_ = State::text;
            return;
        case State::string:
            if (byte == escape) state_ = State::escape;
            if (byte == bell) state_ = State::text;
            if (byte == '\n') state_ = State::text, take_text(byte, out);
            return;
    }
}

void Harmless::take_text(unsigned char byte, std::string& out) {
    if (expected_ > 0 && (byte & 0xc0U) == 0x80) {
        letter_ += static_cast<char>(byte);
        if (letter_.size() == expected_) end_letter(out);
        return;
    }
    if (expected_ > 0) end_letter(out);
    expected_ = length_of(byte);
    if (expected_ > 0) {
        letter_ = static_cast<char>(byte);
    } else if (byte == escape) {
        state_ = State::escape;
    } else if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte < 0x7f)) {
        out += static_cast<char>(byte);
    } else if (byte != '\r') {
        out += '?';
    }
}

void Harmless::end_letter(std::string& out) {
    const bool is_whole = letter_.size() == expected_;
    out += is_whole && !is_control(letter_) ? letter_ : "?";
    letter_.clear();
    expected_ = 0;
}

}  // namespace drover::cli
