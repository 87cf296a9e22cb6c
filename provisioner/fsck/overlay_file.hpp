#pragma once
#include <filesystem>
#include <string>

namespace drover::fsck {

/// What is wrong with a file that should be an overlay, as the end of "it ..."; empty: nothing that its header shows.
/// Reads some hundred bytes, follows no link, and believes nothing that the header says. Any thread.
std::string flaw_of_overlay(const std::filesystem::path& file);

}  // namespace drover::fsck
