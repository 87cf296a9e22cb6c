#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "model/meter.hpp"

namespace drover {

/// What the API counts since this process started, by route. Any thread.
class ApiMeters {
  public:
    /// The statuses that occur; any other counts as the last.
    static constexpr std::array statuses{200, 101, 201, 202, 204, 400, 403, 404, 409, 499, 503, 504, 500};

    struct OfRoute {
        Spans took;  ///< from the call's coming to its answer, of those that did not wait for news
        std::array<Count, statuses.size()> answers;
    };

    explicit ApiMeters(std::size_t routes) : routes_(routes) {}

    OfRoute& of(std::size_t route) { return routes_.at(route); }
    [[nodiscard]] const OfRoute& of(std::size_t route) const { return routes_.at(route); }
    void answered(std::size_t route, int status) {
        std::size_t i = 0;
        while (i + 1 < statuses.size() && statuses.at(i) != status) ++i;
        routes_.at(route).answers.at(i).add();
    }

  private:
    std::vector<OfRoute> routes_;
};

}  // namespace drover
