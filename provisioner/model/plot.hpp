#pragma once
#include <string>
#include <vector>

namespace drover {

/// Something that stays as it is from one point to the next: counts over time.
struct Curve {
    struct Point {
        double x = 0, y = 0;
    };
    std::string name;
    std::vector<Point> points;  ///< x ascending
};

struct Plot {
    std::string title, x, y;  ///< of the axes
    std::vector<Curve> curves;
};

/// The plot as a whole SVG document, a staircase per curve, both axes from 0. Long curves lose points that would not be
/// seen. Pure.
std::string plot_svg(const Plot& plot);

}  // namespace drover
