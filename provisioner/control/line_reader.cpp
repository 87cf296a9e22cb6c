#include "control/codec.hpp"

namespace drover::control {

std::vector<std::string> LineReader::feed(std::string_view bytes) {
    std::vector<std::string> lines;
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        dropping_ = dropping_ || partial_.size() + piece.size() >= max_line;
        if (dropping_)
            partial_.clear();
        else
            partial_ += piece;
        if (end == std::string_view::npos) break;

        bytes.remove_prefix(end + 1);
        if (!dropping_) {
            if (partial_.ends_with('\r')) partial_.pop_back();
            lines.push_back(std::move(partial_));
        }
        partial_.clear();
        dropping_ = false;
    }
    return lines;
}

}  // namespace drover::control
