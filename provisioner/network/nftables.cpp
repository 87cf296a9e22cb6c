#include "network/nftables.hpp"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <algorithm>
#include <utility>

#include "model/error.hpp"
#include "network/generation.hpp"

namespace drover {
namespace {

/// Its first line: the others draw arrows below the command.
std::string complaint(nft_ctx* context) {
    const std::string text = nft_ctx_get_error_buffer(context);
    const auto line = text.substr(0, std::min(text.find('\n'), text.size()));
    return line.empty() ? "no reason given" : line;
}

}  // namespace

void Nftables::Free::operator()(nft_ctx* context) const { nft_ctx_free(context); }

Nftables::Nftables() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
    if (!context_ || nft_ctx_buffer_output(context_.get()) != 0 || nft_ctx_buffer_error(context_.get()) != 0)
        throw Error(ErrorKind::unavailable, "libnftables does not start", "does this kernel have nf_tables?");
    nft_ctx_output_set_flags(context_.get(),
                             NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_NUMERIC_PROTO);
}

int Nftables::execute(const std::string& commands) { return nft_run_cmd_from_buffer(context_.get(), commands.c_str()); }

/// Between ours and the one before, or while ours was made, there was another's when the count says so.
void Nftables::run(const std::string& commands) {
    const auto before = rules_generation();
    const bool ok = execute(commands) == 0;
    const auto after = rules_generation();
    if (before != generation_ || after != before + (ok ? 1 : 0)) others_changed_ = true;
    generation_ = after;
    if (ok) return;
    throw Error(ErrorKind::failed, "nftables: " + complaint(context_.get()), "drover doctor tells what is missing");
}

void Nftables::check(const std::string& commands) {
    nft_ctx_set_dry_run(context_.get(), true);
    const bool ok = execute(commands) == 0;
    nft_ctx_set_dry_run(context_.get(), false);
    if (!ok) throw Error(ErrorKind::failed, "nftables: " + complaint(context_.get()));
}

bool Nftables::others_changed() {
    const auto now = rules_generation();
    if (now != generation_) others_changed_ = true;
    generation_ = now;
    return std::exchange(others_changed_, false);
}

std::string Nftables::list(const std::string& what) {
    if (execute("list " + what) == 0) return nft_ctx_get_output_buffer(context_.get());
    const auto why = complaint(context_.get());
    const bool absent = why.find("No such file or directory") != std::string::npos;
    throw Error(absent ? ErrorKind::not_found : ErrorKind::failed, fmt::format("nftables: list {}: {}", what, why));
}

}  // namespace drover
