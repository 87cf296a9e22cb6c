#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "hooks/permission.hpp"
#include "model/requests.hpp"
#include "model/unique_fd.hpp"
#include "wire/wire.hpp"

namespace drover {

/// Who is at the other end of a connection.
struct Peer {
    Caller caller;
    bool gateway = false;  ///< the account that speaks for others, and only for others
};

/// One request, taken apart, and who asks.
struct Call {
    std::string method;
    wire::Target target;
    std::string body;
    std::string idempotency_key;
    Peer peer;
    std::optional<std::string> on_behalf_of;  ///< the header, as it came
    std::string upgrade;                      ///< the header: what the caller would like to speak instead
    std::chrono::steady_clock::time_point came = std::chrono::steady_clock::now();
    bool is_first = true;                      ///< it did not wait for news yet
    Caller caller;                             ///< who the peer acts as
    std::optional<std::string> visible_owner;  ///< the only owner whose guests exist for the caller; none: all
    std::shared_ptr<const Permission>* permission = nullptr;  ///< what hooks said, kept while the caller waits
    Duration waited{0};                                       ///< how long the caller has waited for news already

    /// The n-th part of the path, "/v1/guests/NAME" has NAME at 2.
    [[nodiscard]] const std::string& part(std::size_t n) const { return target.path.at(n); }
};

/// What goes back.
struct Answer {
    int status = 200;
    std::string body;
    std::string type = "application/json";
    /// For an answer whose end is open: called again after each news, and every `pace` where that is set; its text is
    /// sent, "" for none. Nothing: that was all.
    std::function<std::optional<std::string>()> more;
    Duration pace{0};
    /// For a caller who speaks `protocol` from now on: status 101, then its connection, and what it said in it already.
    /// Called by the thread that serves all connections: it must return at once.
    std::function<void(UniqueFd connection, std::string said)> take_over;
    std::string protocol;
};

/// A JSON answer.
inline Answer answer(const wire::Json& json, int status = 200) { return {status, wire::dump(json) + "\n"}; }

/// A JSON array as an answer, written row by row: a long one never stands in memory as a tree.
class Rows {
  public:
    void add(const wire::Json& row) {
        text_ += text_.empty() ? '[' : ',';
        text_ += wire::dump(row);
    }
    Answer answer() && {
        text_ += text_.empty() ? "[]\n" : "]\n";
        return {.body = std::move(text_)};
    }

  private:
    std::string text_;
};

}  // namespace drover
