#include "cli/harmless.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace drover::cli {
namespace {

std::string harmless(std::string_view text) { return Harmless().of(text); }

TEST(Harmless, LettersStayAndLinesEnd) {
    EXPECT_EQ(harmless("plain text\twith a tab\n"), "plain text\twith a tab\n");
    EXPECT_EQ(harmless("one\r\ntwo\rthree\n"), "one\ntwothree\n");
    EXPECT_EQ(harmless("Grüße aus 東京 \xf0\x9f\x90\x91\n"), "Grüße aus 東京 \xf0\x9f\x90\x91\n");
}

TEST(Harmless, ATerminalsLanguageIsLeftOut) {
    EXPECT_EQ(harmless("\x1b[31mred\x1b[0m \x1b[2J\x1b[1;1Hgone\n"), "red gone\n");
    EXPECT_EQ(harmless("\x1b]0;title\x07text"), "text");
    EXPECT_EQ(harmless("\x1b]52;c;ZXZpbA==\x1b\\text"), "text");
    EXPECT_EQ(harmless("\x1bP+q544e\x1b\\text"), "text");
    EXPECT_EQ(harmless("\x1b"
                       "ctext"),
              "text");
}

TEST(Harmless, ALineEndEndsWhatWasCutShort) {
    EXPECT_EQ(harmless("\x1b[31\nnext"), "\nnext");
    EXPECT_EQ(harmless("\x1b]0;never ends\nnext"), "\nnext");
}

TEST(Harmless, WhatIsNoLetterIsAQuestionMark) {
    EXPECT_EQ(harmless(std::string("a\0b\x08"
                                   "c\x7f"
                                   "d",
                                   7)),
              "a?b?c?d");
    EXPECT_EQ(harmless("\x9b"
                       "31m"),
              "?31m");  // the 8-bit form
    EXPECT_EQ(harmless("\xc2\x9b"
                       "31m"),
              "?31m");
    EXPECT_EQ(harmless("\xff\xc0\xaf\xe2\x82x"), "????x");
    EXPECT_EQ(harmless("a\xe2\x80\xae"
                       "b"),
              "a?b");  // which would turn the text around
}

TEST(Harmless, PiecesAreOneText) {
    Harmless one;
    std::string text;
    for (const auto* piece : {"a\xe6", "\x9d", "\xb1", "\x1b[3", "1mb"}) text += one.of(piece);
    EXPECT_EQ(text, "a東b");
}

RC_GTEST_PROP(Harmless, NothingGetsThroughHoweverItIsCut, (const std::string& text, std::size_t at)) {
    const std::size_t cut = text.empty() ? 0 : at % text.size();
    Harmless pieces;
    const std::string whole = harmless(text);
    std::string parts = pieces.of(text.substr(0, cut));
    parts += pieces.of(text.substr(cut));
    RC_ASSERT(whole == parts);
    RC_ASSERT(std::all_of(whole.begin(), whole.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7f);
    }));
}

}  // namespace
}  // namespace drover::cli
