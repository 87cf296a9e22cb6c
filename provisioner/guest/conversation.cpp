#include "guest/conversation.hpp"

#include <exception>
#include <utility>

#include "control/fields.hpp"
#include "guest/replies.hpp"
#include "model/error.hpp"

namespace drover::guest {
namespace {

using control::encode;
using control::FromGuest;

constexpr std::size_t most_keys = 256;
constexpr std::size_t seed_bytes = 32;
constexpr std::size_t most_in_a_line = 200;

}  // namespace

std::string Conversation::greeting() {
    auto hello = encode(FromGuest(control::Hello{machine_.boot_id(), machine_.host_key()}));
    for (const auto& service : machine_.services_known()) hello += encode(FromGuest(service));
    return machine_.digest_in_force().empty() ? hello : hello + state();
}

std::string Conversation::answer(std::string_view line) {
    if (line.empty()) start_anew();
    const auto message = control::decode_from_daemon(line);
    if (!message) return "";
    return std::visit([this](const auto& m) { return take(m); }, *message);
}

void Conversation::start_anew() {
    authorized_keys_.clear();
    host_seed_.clear();
    address6_ = {};
}

bool Conversation::could_go_on() { return machine_.digest_in_force().empty() && machine_.last_introduction(); }

std::string Conversation::go_on() try {
    const auto last = machine_.last_introduction();
    if (last) put_into_force(*last);
    return state();
} catch (const std::exception& error) {
    return err(0, std::string("going on with the last identity: ") + error.what());
}

void Conversation::put_into_force(const Introduction& introduction) {
    machine_.put_into_force(introduction);
    // Nobody waits for a pool's member, and it may be paused as soon as it is READY.
    to_keep_ = !introduction.identity.owner.empty();
    if (!to_keep_) machine_.keep();
}

void Conversation::rest() {
    if (std::exchange(to_keep_, false)) machine_.keep();
}

std::string Conversation::take(const control::Key& key) {
    if (key.kind == "host") {
        host_seed_ = control::from_base64(key.text, seed_bytes).value();
    } else {
        if (authorized_keys_.size() == most_keys) return err(key.n, "more than 256 authorized keys");
        authorized_keys_.push_back(key.text);
    }
    return ok(key.n);
}

std::string Conversation::take(const control::TellAddress6& told) {
    address6_ = told;
    return ok(told.n);
}

std::string Conversation::take(const control::Introduce& introduce) try {
    Introduction introduction{introduce.identity, std::exchange(authorized_keys_, {})};
    const auto address6 = std::exchange(address6_, {});
    introduction.identity.address6 = address6.address;
    introduction.identity.gateway6 = address6.gateway;
    const auto seed = std::exchange(host_seed_, {});
    if (!seed.empty()) machine_.put_host_key(seed);
    machine_.set_clock(introduce.identity.time);
    put_into_force(introduction);
    return ok(introduce.n) + state();
} catch (const std::exception& error) {
    return err(introduce.n, error.what());
}

std::string Conversation::take(const control::Ping& ping) {
    const auto levels = machine_.digest_in_force().empty() ? std::nullopt : machine_.levels();
    return ok(ping.n) + state() + (levels ? encode(FromGuest(*levels)) : "");
}

std::string Conversation::take(const control::Stop& stop) {
    stop_asked_ = true;
    return ok(stop.n);
}

std::string Conversation::take(const control::Path& path) {
    if (std::exchange(paths_for_, path.n) != path.n) paths_.clear();
    if (paths_.size() < most_questions) paths_.push_back(path.change);
    return "";
}

/// Error{failed} when some of them did not arrive.
std::vector<PathChange> Conversation::told(std::uint32_t n, std::uint32_t count) {
    auto paths = std::exchange(paths_, {});
    if (paths_for_ != n) paths.clear();
    if (paths.size() != count) throw Error(ErrorKind::failed, "not all paths arrived");
    return paths;
}

std::string Conversation::take(const control::AskShadows& ask) try {
    const auto paths = told(ask.n, ask.count);
    std::string answer;
    control::Hidden hidden{ask.n, {}};
    for (std::uint32_t i = 0; i < paths.size(); ++i) {
        if (const auto how = machine_.hiding(paths[i])) hidden.entries.push_back({i, *how});
        const bool full = hidden.entries.size() == most_in_a_line || i + 1 == paths.size();
        if (full && !hidden.entries.empty()) answer += encode(FromGuest(std::exchange(hidden, {ask.n, {}})));
    }
    return answer + ok(ask.n);
} catch (const std::exception& error) {
    return err(ask.n, error.what());
}

std::string Conversation::take(const control::Reset& reset) try {
    machine_.reset_later(told(reset.n, reset.count));
    return ok(reset.n);
} catch (const std::exception& error) {
    return err(reset.n, error.what());
}

std::string Conversation::take(const control::Renew& renew) { return err(renew.n, "this guest is at no fork point"); }

std::string Conversation::take(const control::ServiceOrder& order) try {
    return machine_.serve(order);
} catch (const std::exception& error) {
    return err(order.n, error.what());
}

std::string Conversation::take(const control::Password& password) try {
    machine_.put_password(password);
    return ok(password.n);
} catch (const std::exception& error) {
    return err(password.n, error.what());
}

std::string Conversation::state() {
    const auto digest = machine_.digest_in_force();
    if (!digest.empty()) return encode(FromGuest(control::Ready{digest}));
    return encode(FromGuest(control::Hello{machine_.boot_id(), machine_.host_key()}));
}

}  // namespace drover::guest
