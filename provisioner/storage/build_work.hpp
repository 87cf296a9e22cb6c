#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "process/process.hpp"

namespace drover {

/// What all programs of one build share: who hears of them, and when they must have ended.
class BuildWork {
  public:
    BuildWork(std::function<void(const std::string&)> progress, std::chrono::milliseconds budget);

    /// A line for the one who asked for the build.
    void tell(const std::string& line) const;
    /// What is left of the budget. Error{failed} when nothing is.
    [[nodiscard]] std::chrono::milliseconds left() const;
    /// A command that ends with the budget, in `folder`.
    [[nodiscard]] Command command(std::vector<std::string> argv, const std::filesystem::path& folder = "/") const;

  private:
    std::function<void(const std::string&)> progress_;
    std::chrono::steady_clock::time_point end_;
};

}  // namespace drover
