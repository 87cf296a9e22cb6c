#pragma once
#include <memory>
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
    /// What "list ..." tells, as JSON. Error{failed}; Error{not_found} when there is no such thing.
    std::string list(const std::string& what);

  private:
    struct Free {
        void operator()(nft_ctx* context) const;
    };
    /// 0 when it was done.
    int execute(const std::string& commands);

    std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace drover
