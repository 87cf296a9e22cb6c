#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/meter.hpp"
#include "model/network.hpp"
#include "registry/aggregates/copies.hpp"
#include "registry/aggregates/events.hpp"
#include "registry/aggregates/guests.hpp"
#include "registry/aggregates/heals.hpp"
#include "registry/aggregates/images.hpp"
#include "registry/aggregates/leases.hpp"
#include "registry/aggregates/openings.hpp"
#include "registry/aggregates/operations.hpp"
#include "registry/aggregates/owners.hpp"
#include "registry/aggregates/pools.hpp"
#include "registry/aggregates/services.hpp"
#include "registry/uptime.hpp"

/// The only SQL of Drover: SQLite, WAL, synchronous FULL, in the subset that PostgreSQL also speaks. One file per
/// aggregate. Every method is one transaction, committed durably before it returns; may be called from any thread.
/// Names, addresses and keys are reserved by UNIQUE constraints, never by looking first. A full or failing disk is
/// Error{unavailable}, with nothing changed.
namespace drover {

class Session;

/// Opens the registry and holds its aggregates.
class Registry {
  public:
    struct Options {
        std::string file;        ///< registry.db
        std::string migrations;  ///< folder of NNNN-name.sql
        GuestRules rules{};
        std::function<Time()> clock = now;               ///< tells the time that is written; any thread
        std::function<Uptime()> uptime = kernel_uptime;  ///< tells how long addresses rested and answers are kept
        long long reserve = 0;  ///< bytes in a file "reserve" beside it, given up when its disk is full
    };
    /// Opens or creates the file and brings it up to date: each migration in one transaction, after a copy
    /// "registry.db.before-NAME" was kept. Error{refused} for a database that is newer than this program.
    explicit Registry(const Options& options);
    ~Registry();

    /// What its writes cost.
    [[nodiscard]] const CallMeter& writes() const;
    /// Its UUID, made with the file: the owner tag of all that is ours.
    [[nodiscard]] const std::string& uuid() const { return uuid_; }
    /// The networks that its guests' addresses belong to. Set once, before other threads ask.
    void set_networks(NetworkPlan networks) { networks_ = std::move(networks); }
    [[nodiscard]] const NetworkPlan& networks() const { return networks_; }

    /// A small durable note: the subnet that `auto` chose, the accelerator found at this boot.
    std::optional<std::string> note(const std::string& key);
    void set_note(const std::string& key, const std::string& value);
    void drop_note(const std::string& key);
    /// The keys that begin so.
    std::vector<std::string> note_keys(const std::string& beginning);
    /// A consistent copy into a new file, while everything goes on. Error{refused} when the file exists.
    void backup(const std::string& file);

  private:
    NetworkPlan networks_;
    std::unique_ptr<Session> session_;
    std::string uuid_;

  public:
    Owners owners;
    Guests guests;
    Copies copies;
    Services services;
    Leases leases;
    Pools pools;
    Heals heals;
    Openings openings;
    Images images;
    Operations operations;
    Events events;
};

}  // namespace drover
