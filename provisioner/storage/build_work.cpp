#include "storage/build_work.hpp"

#include "model/error.hpp"

namespace drover {

using Clock = std::chrono::steady_clock;

BuildWork::BuildWork(std::function<void(const std::string&)> progress, std::chrono::milliseconds budget)
    : progress_(std::move(progress)), end_(Clock::now() + budget) {}

void BuildWork::tell(const std::string& line) const {
    if (progress_) progress_(line);
}

std::chrono::milliseconds BuildWork::left() const {
    const auto left = std::chrono::floor<std::chrono::milliseconds>(end_ - Clock::now());
    if (left.count() <= 0) throw Error(ErrorKind::failed, "the time for the build is used up");
    return left;
}

Command BuildWork::command(std::vector<std::string> argv, const std::filesystem::path& folder) const {
    return {.argv = std::move(argv), .folder = folder, .deadline = left(), .output_limit = 64 << 20};
}

}  // namespace drover
