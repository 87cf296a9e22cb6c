#pragma once
#include <span>
#include <string>
#include <vector>

namespace drover::doctor {

/// A program that Drover or an image's recipe runs, and the Debian package that has it.
struct NeededProgram {
    const char* name;
    const char* package;
};

/// All of them.
std::span<const NeededProgram> needed_programs();
/// The package that has the program.
std::string package_of(const std::string& program);
/// The needed programs that are not installed.
std::vector<std::string> missing_programs();

}  // namespace drover::doctor
