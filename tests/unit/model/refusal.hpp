#pragma once
#include <gtest/gtest.h>

#include <string>

#include "model/error.hpp"

namespace drover {

/// The message and the hint of the Error{usage} that `call` throws; a failed test and "" when it throws none.
template <typename Call> std::string refusal(Call call) {
    try {
        call();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::usage);
        return std::string(error.what()) + " | " + error.hint();
    }
    ADD_FAILURE() << "was not refused";
    return "";
}

}  // namespace drover
