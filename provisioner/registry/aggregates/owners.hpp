#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/requests.hpp"

namespace drover {

class Session;

/// Owners, their quotas and keys.
class Owners {
  public:
    explicit Owners(Session& session) : session_(session) {}
    /// Creates or changes. `default_quota` is for a new one. Error{refused} when the login is another owner's.
    Owner set(const OwnerChange& change, long long default_quota);
    /// Error{not_found} "no owner 'alice'" with the hint "drover owner set alice".
    Owner get(const std::string& name);
    /// By name.
    std::vector<Owner> list();
    /// The owner whose login is this account.
    std::optional<std::string> of_login(const std::string& login);
    /// The owner's ssh keys, in their order; none for an owner that there is not.
    std::vector<std::string> keys(const std::string& owner);
    /// Error{refused} while it has guests that are not gone.
    void remove(const std::string& name);

  private:
    Session& session_;
};

}  // namespace drover
