#include "model/plot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drover {
namespace {

using testing::HasSubstr;

TEST(Plot, IsOneSvgDocumentWithItsWordsEscaped) {
    const auto svg = plot_svg({.title = "a<b & \"c\"", .x = "s", .y = "n", .curves = {{"ready", {{1, 1}, {2, 5}}}}});
    EXPECT_THAT(svg, testing::StartsWith("<svg xmlns="));
    EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
    EXPECT_THAT(svg, HasSubstr("a&lt;b &amp; &quot;c&quot;"));
    EXPECT_THAT(svg, HasSubstr(">ready</text>"));
}

TEST(Plot, NothingIsAnEmptyPlot) { EXPECT_THAT(plot_svg({}), HasSubstr("</svg>")); }

TEST(Plot, ManyPointsMakeNoLargeFile) {
    Curve curve{.name = "many"};
    for (int i = 0; i < 1'000'000; ++i) curve.points.push_back({double(i), double(i)});
    EXPECT_LT(plot_svg({.curves = {curve}}).size(), 200'000U);
}

}  // namespace
}  // namespace drover
