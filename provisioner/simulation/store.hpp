#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/guest.hpp"

namespace drover {

/// A file of JSON per guest in a folder: what outlives this process, however it ends. Without a folder it keeps
/// nothing. Not durable over a power cut, which ends a simulated host too.
class Store {
  public:
    /// `kind` tells the files of several stores in one folder apart.
    Store(std::string folder, std::string kind);

    void keep(GuestId id, const nlohmann::json& what) const;
    /// Null when there is none.
    [[nodiscard]] nlohmann::json recall(GuestId id) const;
    void forget(GuestId id) const;
    /// Ids that something is kept of, in no order.
    [[nodiscard]] std::vector<GuestId> ids() const;

  private:
    [[nodiscard]] std::string file(GuestId id) const;

    std::string folder_, kind_;
};

}  // namespace drover
