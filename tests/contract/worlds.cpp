#include "worlds.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "real_host.hpp"
#include "simulation/fake_domains.hpp"
#include "simulation/fake_networks.hpp"

namespace drover {
namespace {

class FakeWorld : public World {
  public:
    Domains& domains() override { return domains_; }
    Networks& networks() override { return networks_; }
    Forks& forks() override { return domains_; }
    std::string file(const std::string& name, long long bytes) override {
        const auto path = folder_.path / name;
        std::ofstream(path).close();
        std::filesystem::resize_file(path, static_cast<std::uintmax_t>(bytes));
        return path;
    }
    DomainSpec sleeper(GuestId id) override {
        domains_.behave(id, {.answers = false});
        return spec(id);
    }
    DomainSpec talker(GuestId id) override { return spec(id); }
    std::pair<std::string, std::string> probe() override { return {"/vmlinuz", "/initrd"}; }
    void kill(GuestId id) override { domains_.crash(id); }
    NetworkSpec network() override { return {"fake", "registry", parse_subnet("10.64.0.0/20"), "fake.internal"}; }
    void add_foreign_domain(GuestId id) override { domains_.add_foreign(id); }
    void add_foreign_network() override { networks_.set_foreign(true); }

  private:
    static DomainSpec spec(GuestId id) {
        DomainSpec spec;
        spec.id = id;
        spec.name = "alice-" + std::to_string(id);
        spec.make = {"sha256:" + std::string(64, 'a'), 1, 1};
        return spec;
    }

    struct Folder {
        std::filesystem::path path;
        Folder() {
            std::string name = testing::TempDir() + "drover-fake-XXXXXX";
            path = ::mkdtemp(name.data());
        }
        ~Folder() { std::filesystem::remove_all(path); }
    };

    Folder folder_;
    FakeDomains domains_;
    FakeNetworks networks_;
};

WorldKind fake() {
    return {"fake", [] { return std::make_unique<FakeWorld>(); }};
}

}  // namespace

std::vector<WorldKind> all_worlds() {
    if (!RealHost::answers()) return {fake(), {"containers", nullptr}, {"libvirt", nullptr}};
    return {fake(),
            {"containers", [] { return std::make_unique<RealHost>("", Kind::container); }},
            {"libvirt", [] { return std::make_unique<RealHost>(""); }}};
}

std::vector<WorldKind> forking_worlds() {
    if (!RealHost::answers()) return {fake(), {"libvirt", nullptr}};
    return {fake(), {"libvirt", [] { return std::make_unique<RealHost>(""); }}};
}

std::vector<WorldKind> talking_worlds() {
    const auto* image = std::getenv("DROVER_TEST_IMAGE");
    if (image == nullptr || !RealHost::answers()) return {fake()};
    return {fake(), {"libvirt", [image] { return std::make_unique<RealHost>(image); }}};
}

}  // namespace drover
