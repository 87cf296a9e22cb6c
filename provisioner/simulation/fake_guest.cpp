#include "simulation/fake_guest.hpp"

#include <sodium.h>

#include <array>
#include <utility>

#include "control/fields.hpp"
#include "model/time.hpp"

namespace drover {
namespace {

std::string random_hex(std::size_t bytes) {
    std::string random(bytes, '\0');
    randombytes_buf(random.data(), random.size());
    return control::sha256_hex(random).substr(0, 2 * bytes);
}

std::string public_key_of(const std::string& seed) {
    std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> key{};
    std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
    crypto_sign_seed_keypair(key.data(), secret.data(), reinterpret_cast<const unsigned char*>(seed.data()));
    return control::to_base64({reinterpret_cast<const char*>(key.data()), key.size()});
}

std::string err(std::uint32_t n, const std::string& why) {
    return control::encode(control::FromGuest{control::Err{n, why}});
}

template <typename... Types> struct Overloaded : Types... { using Types::operator()...; };
// clang 14 does not find this by itself.
template <typename... Types> Overloaded(Types...) -> Overloaded<Types...>;

}  // namespace

FakeGuest::FakeGuest() : FakeGuest(Memory{}) {}

FakeGuest::FakeGuest(Memory memory) : memory_(std::move(memory)) {
    if (memory_.boot_id.empty()) memory_.boot_id = random_hex(16);
}

std::string FakeGuest::greet() {
    if (greeted_) return "";
    greeted_ = true;
    return presence();
}

std::string FakeGuest::hear(std::string_view bytes) {
    std::string said;
    for (const auto& line : lines_.feed(bytes))
        if (const auto message = control::decode_from_daemon(line)) said += answer(*message);
    return said;
}

std::string FakeGuest::answer(const control::FromDaemon& message) {
    const auto n = std::visit([](const auto& any) { return any.n; }, message);
    const auto ok = control::encode(control::FromGuest{control::Ok{n}});
    return std::visit(
        Overloaded{[&](const control::Key& key) { return take(key), ok; },
                   [&](const control::TellAddress6& told) { return address6_ = told, ok; },
                   [&](const control::Introduce& told) {
                       if (memory_.forkable) return err(n, "not renewed yet");
                       return become(told.identity), ok + presence();
                   },
                   [&](const control::Ping&) { return ok + presence() + levels(); },
                   [&](const control::Stop&) { return stopping_ = true, ok; },
                   [&](const control::Path&) { return std::string(); },
                   // It has nothing of its own.
                   [&](const control::AskShadows&) { return ok; }, [&](const control::Reset&) { return ok; },
                   [&](const control::Renew& told) { return renew(told) ? ok + presence() : err(n, "cannot renew"); },
                   [&](const control::ServiceOrder& order) { return serve(order) + ok; },
                   [&](const control::Password&) { return ok; }},
        message);
}

/// Once it is somebody: its clock is right, half of all it has is used.
std::string FakeGuest::levels() const {
    if (memory_.ready.empty()) return "";
    constexpr std::int64_t half = 64LL << 20;
    const auto time = now().time_since_epoch().count();
    return control::encode(control::FromGuest{control::Levels{time, half, 2 * half, half, 2 * half}});
}

void FakeGuest::take(const control::Key& key) {
    if (key.kind == "authorized") announced_keys_.push_back(key.text);
    if (key.kind != "host") return;
    if (const auto seed = control::from_base64(key.text, crypto_sign_SEEDBYTES))
        memory_.host_key = public_key_of(*seed);
}

bool FakeGuest::renew(const control::Renew& told) {
    if (!memory_.forkable || memory_.refuses) return false;
    memory_.forkable = false;
    memory_.boot_id = told.boot_id;
    return true;
}

/// It has every service that it is asked for.
std::string FakeGuest::serve(const control::ServiceOrder& order) {
    auto& up = services_[order.name];
    if (order.act != ServiceAct::status) up = order.act != ServiceAct::stop;
    return control::encode(
        control::FromGuest{control::ServiceState{order.name, up ? ServiceStatus::up : ServiceStatus::down}});
}

void FakeGuest::become(const control::Identity& identity) {
    identity_ = identity;
    const auto address6 = std::exchange(address6_, {});
    identity_.address6 = address6.address;
    identity_.gateway6 = address6.gateway;
    authorized_keys_ = std::exchange(announced_keys_, {});
    memory_.ready = control::digest_of(identity_, authorized_keys_);
}

std::string FakeGuest::presence() const {
    if (memory_.forkable) return control::encode(control::FromGuest{control::Forkable{}});
    if (memory_.ready.empty())
        return control::encode(control::FromGuest{control::Hello{memory_.boot_id, memory_.host_key}});
    return control::encode(control::FromGuest{control::Ready{memory_.ready}});
}

}  // namespace drover
