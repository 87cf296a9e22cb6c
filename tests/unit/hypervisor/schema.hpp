#pragma once
#include <gtest/gtest.h>

#include <string>

namespace drover {

/// Whether `xml` is valid by libvirt's own schema of that name ("domain", "network").
testing::AssertionResult is_valid(const std::string& schema, const std::string& xml);

}  // namespace drover
