#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

struct nft_ctx;

namespace drover {

/// libnftables: texts as nft takes them. One thread at a time.
class Nftables {
  public:
    /// Error{unavailable} where the kernel or this account cannot.
    Nftables();

    /// All commands of the text in one transaction of the kernel: all or none. Error{failed} with what nft said.
    void run(const std::string& commands);
    /// Whether the kernel would take them; nothing is done. Errors as run().
    void check(const std::string& commands);
    /// Whether somebody else has changed anybody's rules since this was asked last; the first time they have.
    bool others_changed();
    /// What "list ..." tells, as JSON. Error{failed}; Error{not_found} when there is no such thing.
    std::string list(const std::string& what);

  private:
    struct Free {
        void operator()(nft_ctx* context) const;
    };
    /// 0 when it was done.
    int execute(const std::string& commands);

    std::unique_ptr<nft_ctx, Free> context_;
    std::optional<std::uint32_t> generation_;  ///< of the rules, after our last change or question
    bool others_changed_ = true;
};

}  // namespace drover
