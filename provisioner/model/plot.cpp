#include "model/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace drover {
namespace {

constexpr double width = 900, height = 480, left = 70, right = 20, top = 40, bottom = 50;
constexpr std::array<std::string_view, 6> colours{"#1f77b4", "#2ca02c", "#d62728", "#9467bd", "#ff7f0e", "#7f7f7f"};

std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            default: result += c;
        }
    }
    return result;
}

/// A step between marks of 1, 2 or 5 times a power of ten that makes about `count` of them up to `most`.
double step_for(double most, int count) {
    const double rough = most / count;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (rough <= factor * power) return factor * power;
    }
    return 10 * power;
}

/// The plot's coordinates on the page.
struct Page {
    double most_x = 1, most_y = 1;
    [[nodiscard]] double x(double value) const { return left + value / most_x * (width - left - right); }
    [[nodiscard]] double y(double value) const { return height - bottom - value / most_y * (height - top - bottom); }
};

std::string axes(const Plot& plot, const Page& page) {
    std::string svg;
    const auto text = [&](double x, double y, std::string_view anchor, std::string_view words) {
        svg +=
            fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(words));
    };
    const auto line = [&](double x1, double y1, double x2, double y2) {
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" stroke=\"#ddd\"/>\n", x1, y1, x2, y2);
    };
    const double step_x = step_for(page.most_x, 8);
    const double step_y = step_for(page.most_y, 6);
    for (int i = 0; i * step_x <= page.most_x; ++i) {
        line(page.x(i * step_x), top, page.x(i * step_x), height - bottom);
        text(page.x(i * step_x), height - bottom + 18, "middle", fmt::format("{:g}", i * step_x));
    }
    for (int i = 0; i * step_y <= page.most_y; ++i) {
        line(left, page.y(i * step_y), width - right, page.y(i * step_y));
        text(left - 8, page.y(i * step_y) + 4, "end", fmt::format("{:g}", i * step_y));
    }
    text(width / 2, 22, "middle", plot.title);
    text(width / 2, height - 10, "middle", plot.x);
    text(left - 8, top - 12, "end", plot.y);
    return svg;
}

std::string drawn(const Curve& curve, const Page& page, std::string_view colour, std::size_t number) {
    std::string path = fmt::format("M{:.1f} {:.1f}", page.x(0), page.y(0));
    double drawn_x = left;
    double drawn_y = height - bottom;
    constexpr double visible = 0.2;
    for (std::size_t i = 0; i < curve.points.size(); ++i) {
        const double x = page.x(curve.points[i].x);
        const double y = page.y(curve.points[i].y);
        const bool last = i + 1 == curve.points.size();
        if (!last && x - drawn_x < visible && std::abs(y - drawn_y) < visible) continue;
        path += fmt::format("H{:.1f}V{:.1f}", x, y);
        drawn_x = x;
        drawn_y = y;
    }
    const double legend = top + 16 * static_cast<double>(number + 1);
    return fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\n"
        "<text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"{}\">{}</text>\n",
        path, colour, left + 10, legend, colour, escaped(curve.name));
}

}  // namespace

std::string plot_svg(const Plot& plot) {
    Page page;
    for (const Curve& curve : plot.curves) {
        for (const Curve::Point& point : curve.points) {
            page.most_x = std::max(page.most_x, point.x);
            page.most_y = std::max(page.most_y, point.y);
        }
    }
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
        width, height);
    svg += axes(plot, page);
    for (std::size_t i = 0; i < plot.curves.size(); ++i) {
        svg += drawn(plot.curves[i], page, colours.at(i % colours.size()), i);
    }
    return svg + "</svg>\n";
}

}  // namespace drover
