#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "control/codec.hpp"

namespace drover {

/// The guest's end of the control channel as a pure function: bytes in, bytes out. It speaks the language through the
/// real codec.
class FakeGuest {
  public:
    /// What makes a guest the same guest to its daemon.
    struct Memory {
        std::string boot_id;    ///< empty: it boots now
        std::string host_key;   ///< public part, kept over boots; empty: none yet
        std::string ready;      ///< digest of the identity that it runs under; empty: none yet
        bool forkable = false;  ///< it waits at its fork point
        bool refuses = false;   ///< to be renewed
        bool operator==(const Memory&) const = default;
    };
    FakeGuest();
    explicit FakeGuest(Memory memory);

    /// What it says of its own accord when somebody listens for the first time, then nothing.
    std::string greet();
    /// What it answers.
    std::string hear(std::string_view bytes);
    /// It was told STOP.
    [[nodiscard]] bool stopping() const { return stopping_; }
    /// What it was told to be; an empty name when nothing yet, or before this process began.
    [[nodiscard]] const control::Identity& identity() const { return identity_; }
    [[nodiscard]] const std::vector<std::string>& authorized_keys() const { return authorized_keys_; }
    [[nodiscard]] const Memory& memory() const { return memory_; }

  private:
    std::string answer(const control::FromDaemon& message);
    [[nodiscard]] std::string presence() const;
    [[nodiscard]] std::string levels() const;
    void take(const control::Key& key);
    bool renew(const control::Renew& told);
    std::string serve(const control::ServiceOrder& order);
    void become(const control::Identity& identity);

    Memory memory_;
    control::LineReader lines_;
    control::Identity identity_;
    control::TellAddress6 address6_;
    std::vector<std::string> announced_keys_, authorized_keys_;
    std::map<std::string, bool> services_;  ///< whether it is up, of those that it was asked for
    bool greeted_ = false, stopping_ = false;
};

}  // namespace drover
