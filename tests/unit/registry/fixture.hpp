#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/error.hpp"
#include "registry/registry.hpp"

namespace drover::test {

/// A folder of its own, removed at the end.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string form = (std::filesystem::temp_directory_path() / "drover-registry-XXXXXX").string();
        if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = form;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

inline const std::string schema_folder = DROVER_SOURCE "/schema";
inline const std::string digest_one = "sha256:" + std::string(64, '1');
inline const Caller root{"root", true};
inline constexpr std::chrono::minutes quarantine{10};

/// The kind of error that `work` throws; none is a failure.
template <typename Work> Error error_of(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error";
    return {ErrorKind::failed, ""};
}

/// A real registry in a temporary folder, with a clock that stands until it is moved.
class RegistryTest : public ::testing::Test {
  protected:
    RegistryTest() {
        open();
        registry_->images.add("tiny", digest_one);
    }

    Registry::Options options(const std::string& file) {
        return {folder_ / file, schema_folder, rules_, [this] { return time_; }, [this] { return uptime_; }};
    }
    void open() { registry_ = std::make_unique<Registry>(options("registry.db")); }

    /// Time passes, and the wall clock tells so.
    void pass(Duration duration) {
        time_ += duration;
        uptime_.since_boot += duration;
    }

    GuestRules rules_{.quarantine = quarantine, .backups = "/backups"};

    Reservation defaults() const { return {"tiny", "plain", version_, Kind::vm, "local", network_of(subnet_)}; }

    void add_owner(const std::string& name, long long quota = 100) {
        registry_->owners.set({name, quota, std::nullopt, std::nullopt}, 0);
    }
    static GuestRequest asking(const std::string& owner, long long count) {
        GuestRequest request;
        request.owner = owner;
        request.count = count;
        return request;
    }
    static GuestRequest more(const std::string& owner, long long count) {
        auto request = asking(owner, count);
        request.additional = true;
        return request;
    }
    GuestReservation request(const GuestRequest& request) {
        return registry_->guests.request(root, request, defaults());
    }
    Operation change(Verb verb, const std::vector<std::string>& globs) {
        return registry_->guests.change(root, {verb, {globs, std::nullopt, false}}, std::nullopt);
    }
    Guest guest(const std::string& name) { return registry_->guests.named(name).value(); }
    Operation operation(OperationId id) { return registry_->operations.get(id); }

    /// Saves the guest as its steps would leave it at the end: where it should be, with what it should have.
    void bring_home(const std::string& name) {
        const auto before = guest(name);
        auto after = before;
        after.have = before.want;
        switch (before.desired) {
            case Desired::stopped: after.phase = Phase::stopped; break;
            case Desired::parked: after.phase = Phase::parked; break;
            case Desired::ready: after.phase = Phase::ready; break;
            case Desired::gone: after.phase = Phase::gone; break;
        }
        ASSERT_TRUE(registry_->guests.save(before, after));
    }
    void break_guest(const std::string& name, const std::string& message) {
        const auto before = guest(name);
        auto after = before;
        after.fault = Fault{"start", message, time_};
        ASSERT_TRUE(registry_->guests.save(before, after, "fault", message));
    }
    std::vector<std::string> names(const ListQuery& query, const std::optional<std::string>& visible = std::nullopt) {
        std::vector<std::string> result;
        for (const Guest& found : registry_->guests.list(query, visible)) result.push_back(found.name);
        return result;
    }

    TemporaryFolder folder_;
    Time time_{std::chrono::days{20000}};
    Uptime uptime_{"first boot", std::chrono::hours(1)};
    std::string version_ = digest_one;  // that new guests get
    Subnet subnet_ = parse_subnet("10.77.0.0/24");
    std::unique_ptr<Registry> registry_;
};

using Names = std::vector<std::string>;

}  // namespace drover::test
