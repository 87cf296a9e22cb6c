#include "herd/questions.hpp"

#include <algorithm>
#include <utility>

#include "control/fields.hpp"

namespace drover {
namespace {

using control::FromDaemon;

/// Bytes that are sent before the guest has answered the former ones: half of what may wait for a guest at all, so that
/// the other half is left for the herd.
constexpr std::size_t longest_piece = 32UL * 1024;
constexpr std::size_t longest_reason = 200;

}  // namespace

/// One request to one guest, in pieces: each ends with a PING, whose answer calls for the next one. A guest's end that
/// does not know the request answers the last PING alone.
class Questions::Exchange {
  public:
    /// `Request` ends it: AskShadows or Reset.
    template <typename Request>
    Exchange(GuestId id, Paths paths, std::uint32_t number, Request /*kind*/)
        : id_(id),
          paths_(std::move(paths)),
          number_(number),
          request_(Request{number, static_cast<std::uint32_t>(paths_->size())}),
          hidden_(paths_->size()) {}

    [[nodiscard]] GuestId id() const { return id_; }
    [[nodiscard]] bool begun() const { return ping_ != 0; }
    [[nodiscard]] bool over() const { return over_; }

    void send_next(control::Sessions& sessions) {
        std::vector<FromDaemon> piece;
        for (std::size_t size = 0; sent_ < paths_->size() && size < longest_piece; ++sent_) {
            piece.emplace_back(control::Path{number_, (*paths_)[sent_]});
            size += control::encode(piece.back()).size();
        }
        if (sent_ == paths_->size()) piece.push_back(request_);
        ping_ = sessions.next_number();
        piece.emplace_back(control::Ping{ping_});
        if (!sessions.send(id_, piece)) end("does not listen");
    }

    /// True: the next piece is due.
    bool take(const control::FromGuest& message) {
        if (over_) return false;
        if (const auto* hidden = std::get_if<control::Hidden>(&message)) take(*hidden);
        if (const auto* err = std::get_if<control::Err>(&message); err != nullptr && err->n == number_)
            end("could not tell: " + err->text.substr(0, longest_reason));
        const auto* ok = std::get_if<control::Ok>(&message);
        if (ok == nullptr) return false;
        const bool asked = sent_ == paths_->size();
        if (ok->n == number_) end(asked ? "" : "answered before it was asked");
        if (ok->n != ping_ || over_) return false;
        if (asked) end("has a guest's end that cannot tell: its version is too old");
        return !over_;
    }

    void end(const std::string& trouble) {
        over_ = true;
        trouble_ = trouble;
    }

    [[nodiscard]] Answer answer() const {
        if (!over_) return {{}, "did not answer"};
        if (!trouble_.empty()) return {{}, trouble_};
        Answer answer;
        for (std::size_t i = 0; i < paths_->size(); ++i)
            if (hidden_[i]) answer.shadows.push_back({(*paths_)[i].path, *hidden_[i]});
        return answer;
    }

  private:
    void take(const control::Hidden& hidden) {
        if (hidden.n != number_) return;
        for (const auto& [index, how] : hidden.entries) {
            if (index >= hidden_.size() || hidden_[index]) return end("answered what it was not asked");
            hidden_[index] = how;
        }
    }

    GuestId id_;
    Paths paths_;
    std::uint32_t number_, ping_ = 0;
    FromDaemon request_;
    std::size_t sent_ = 0;  ///< so many of the paths
    std::vector<std::optional<Hiding>> hidden_;
    bool over_ = false;
    std::string trouble_;
};

/// Those whose guests are not being asked something else.
void Questions::begin_free(std::list<Exchange>& exchanges) {
    for (Exchange& exchange : exchanges) {
        if (exchange.begun() || !open_.emplace(exchange.id(), &exchange).second) continue;
        exchange.send_next(sessions_);
        if (exchange.over()) open_.erase(exchange.id());
    }
}

template <typename Request>
std::map<GuestId, Questions::Answer> Questions::ask_all(const PathsByGuest& asked, Duration patience) {
    std::list<Exchange> exchanges;
    for (const auto& [id, paths] : asked) exchanges.emplace_back(id, paths, sessions_.next_number(), Request{});
    std::map<GuestId, Answer> answers;
    {
        std::unique_lock lock(mutex_);
        news_.wait_for(lock, patience, [&] {
            begin_free(exchanges);
            return std::all_of(exchanges.begin(), exchanges.end(), [](const Exchange& one) { return one.over(); });
        });
        for (const Exchange& exchange : exchanges) {
            if (exchange.begun() && !exchange.over()) open_.erase(exchange.id());
            answers.emplace(exchange.id(), exchange.answer());
        }
    }
    news_.notify_all();  // somebody may wait for these guests
    return answers;
}

std::map<GuestId, Questions::Answer> Questions::shadows(const PathsByGuest& asked, Duration patience) {
    return ask_all<control::AskShadows>(asked, patience);
}

std::map<GuestId, Questions::Answer> Questions::reset(const PathsByGuest& told, Duration patience) {
    return ask_all<control::Reset>(told, patience);
}

bool Questions::askable(const PathChange& change) {
    constexpr std::size_t longest_rest = 256;  // of the line: word, number, two forms
    return change.path.size() + longest_rest < control::max_line && control::is_clean_text(change.path);
}

void Questions::heard(GuestId id, const control::FromGuest& message) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(id);
        if (found == open_.end()) return;
        Exchange& exchange = *found->second;
        if (exchange.take(message)) exchange.send_next(sessions_);
        if (!exchange.over()) return;
        open_.erase(found);
    }
    news_.notify_all();
}

}  // namespace drover
