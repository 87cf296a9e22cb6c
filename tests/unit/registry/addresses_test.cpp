#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "fixture.hpp"
#include "registry/rows.hpp"
#include "registry/sql.hpp"

namespace drover::test {
namespace {

/// What must hold of addresses, beside the registry that holds it: written in the same transactions, which come one
/// after the other.
class Model {
  public:
    explicit Model(const Network& network) : network_(network) {}

    void take(Address address, Time now) {
        ASSERT_TRUE(address >= network_.first && address <= network_.last) << to_text(address);
        const auto rest = resting_.find(address);
        ASSERT_TRUE(rest == resting_.end() || rest->second <= now) << to_text(address) << " in quarantine";
        resting_.erase(address);
        ASSERT_TRUE(used_.insert(address).second) << to_text(address) << " twice";
        const auto address6 = network_.address6(address);
        ASSERT_TRUE(address6 && network_.subnet6->contains(*address6));
        ASSERT_TRUE(used6_.insert(*address6).second) << to_text(*address6) << " twice";
    }
    void release(Address address, Time until) {
        used_.erase(address);
        used6_.erase(*network_.address6(address));
        resting_[address] = until;
    }
    /// How many may be given out now, at most.
    [[nodiscard]] long long free(Time now) const {
        const auto rests = std::ranges::count_if(resting_, [&](const auto& it) { return it.second > now; });
        return network_.room() - static_cast<long long>(used_.size()) - rests;
    }
    [[nodiscard]] std::size_t used() const { return used_.size(); }

  private:
    const Network& network_;
    std::set<Address> used_;
    std::set<Address6> used6_;
    std::map<Address, Time> resting_;
};

class AddressModel : public RegistryTest {
  protected:
    static Network network(const std::string& subnet) {
        auto network = network_of(parse_subnet(subnet));
        network.subnet6 = parse_subnet6("fd12::/64");
        return network;
    }
    Time certain() const { return Time{since_boot_.load()}; }
    void open_at(const std::string& name) {
        Registry once({folder_ / name, schema_folder, {}, [] { return Time{}; }, [] { return Uptime{"boot", {}}; }});
        session_.emplace(folder_ / name, SessionOptions{.clock = [] { return Time{}; },
                                                        .uptime =
                                                            [this] {
                                                                return Uptime{"boot", since_boot_.load()};
                                                            }});
    }

    std::atomic<Duration> since_boot_{Duration{0}};
    std::optional<Session> session_;
};

/// One of many who take and give back, without a word to each other.
class Taker {
  public:
    Taker(Session& session, const Network& network, Model& model, std::atomic<Duration>& clock, unsigned seed)
        : session_(session), network_(network), model_(model), clock_(clock), chance_(seed) {}

    void act() {
        switch (chance_() % 8) {
            case 0:
            case 1:
            case 2: take(1); break;
            case 3: take(1 + chance_() % 8); break;
            case 7: pass(); break;
            default: give_back(); break;
        }
    }

  private:
    void take(long long count) try {
        const auto got = session_.transact("commit.request", [&](Transaction& transaction) {
            auto addresses = reserve_addresses(transaction, network_, count);
            for (const Address address : addresses) model_.take(address, Time{clock_.load()});
            return addresses;
        });
        EXPECT_EQ(static_cast<long long>(got.size()), count);
        mine_.insert(mine_.end(), got.begin(), got.end());
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::refused) << error.what();
    }

    void give_back() {
        if (mine_.empty()) return;
        std::swap(mine_[chance_() % mine_.size()], mine_.back());
        const Address address = mine_.back();
        const Duration rest(chance_() % 120'000);
        session_.transact("commit.step", [&](Transaction& transaction) {
            release_address(transaction, address, rest);
            model_.release(address, Time{clock_.load()} + rest);
        });
        mine_.pop_back();
    }

    /// Inside of a transaction, so that nobody sees two times in one.
    void pass() {
        const Duration passed(chance_() % 30'000);
        session_.transact("commit.note", [&](Transaction&) { clock_ = clock_.load() + passed; });
    }

    Session& session_;
    const Network& network_;
    Model& model_;
    std::atomic<Duration>& clock_;
    std::mt19937 chance_;
    std::vector<Address> mine_;
};

TEST_F(AddressModel, nobody_ever_gets_what_somebody_has_or_what_rests) {
    const char* full = std::getenv("DROVER_TEST_FULL");
    const char* seed = std::getenv("DROVER_TEST_SEED");
    const bool is_full = full != nullptr && std::string(full) == "yes";
    constexpr int threads = 16;
    const int actions = (is_full ? 1'000'000 : 8'000) / threads;
    open_at("model.db");
    const auto network = AddressModel::network("10.77.0.0/24");
    Model model(network);
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i)
        running.emplace_back([&, i] {
            Taker taker(*session_, network, model, since_boot_,
                        static_cast<unsigned>(i + std::atoi(seed ? seed : "0")));
            for (int k = 0; k < actions && !HasFailure(); ++k) taker.act();
        });
    running.clear();
    const auto count = session_->read([&](Transaction& transaction) {
        return *first<long long>(transaction.sql, "SELECT count(*) FROM addresses WHERE free_at IS NULL");
    });
    EXPECT_EQ(static_cast<std::size_t>(count), model.used());
}

TEST_F(AddressModel, a_wide_subnet_is_exhausted_and_filled_again) {
    open_at("wide.db");
    const auto network = AddressModel::network("10.77.0.0/16");
    std::set<Address> all;
    std::set<Address6> all6;
    const auto take = [&](long long count) {
        session_->transact("commit.request", [&](Transaction& transaction) {
            for (const Address address : reserve_addresses(transaction, network, count)) {
                EXPECT_TRUE(all.insert(address).second);
                EXPECT_TRUE(all6.insert(*network.address6(address)).second);
            }
        });
    };
    for (int round = 0; round < 2; ++round) {
        take(60'000);
        take(network.room() - 60'000);
        EXPECT_EQ(all.size(), 65'533U);
        EXPECT_EQ(error_of([&] { take(1); }).kind(), ErrorKind::refused);
        session_->transact("commit.step", [&](Transaction& transaction) {
            for (const Address address : all) release_address(transaction, address, quarantine);
        });
        EXPECT_EQ(error_of([&] { take(1); }).kind(), ErrorKind::refused) << "they rest";
        since_boot_ = since_boot_.load() + quarantine;
        all.clear();
        all6.clear();
    }
}

}  // namespace
}  // namespace drover::test
