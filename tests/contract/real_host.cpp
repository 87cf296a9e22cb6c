#include "real_host.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

#include "hypervisor/handles.hpp"
#include "hypervisor/network_xml.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;

std::string random_text(std::string_view letters, std::size_t length) {
    std::random_device random;
    std::uniform_int_distribution<std::size_t> letter(0, letters.size() - 1);
    std::string text;
    while (text.size() < length) text += letters[letter(random)];
    return text;
}

std::string random_uuid() {
    const auto hex = [](std::size_t length) { return random_text("0123456789abcdef", length); };
    return fmt::format("{}-{}-4{}-8{}-{}", hex(8), hex(4), hex(3), hex(3), hex(12));
}

// QEMU runs as another user and must be able to get here.
fs::path make_folder() {
    std::string path = testing::TempDir() + "drover-contract-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr || ::chmod(path.c_str(), 0755) < 0) throw std::runtime_error(path);
    return path;
}

void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

bool RealHost::answers() {
    static const bool answer = [] {
        const EventLoop loop;
        try {
            Connection(loop, uri, std::chrono::seconds(10)).call([](virConnectPtr) {});
            return true;
        } catch (const Error&) {
            return false;
        }
    }();
    return answer;
}

RealHost::RealHost(std::string image, Kind kind)
    : image_(std::move(image)),
      instance_("t" + random_text("abcdefghijklmnopqrstuvwxyz", 6)),
      registry_(random_uuid()),
      folder_(make_folder()),
      connection_(loop_, uri),
      container_connection_(loop_, "lxc:///"),
      kind_(kind),
      vms_(new LibvirtDomains(connection_, instance_, registry_)),
      domains_(std::unique_ptr<Domains>(vms_),
               std::make_unique<LibvirtDomains>(container_connection_, instance_, registry_),
               [kind] { return kind == Kind::container; }),
      forks_(connection_, instance_, registry_),
      networks_(connection_, instance_, registry_,
                {.title = instance_, .folders = {folder_ / "names", folder_ / "reservations"}}) {
    fs::copy_file(DROVER_TEST_GUEST, folder_ / "test_guest");
    run(fmt::format("cd {} && truncate -s 1M root initrd && truncate -s 64M prototype && chmod 444 *",
                    folder_.string()));
    if (!image_.empty()) run(fmt::format("mkfs.ext4 -q -F {}/prototype", folder_.string()));
}

std::string RealHost::file(const std::string& name, long long bytes) {
    const auto path = folder_ / name;
    std::ofstream(path).close();
    fs::resize_file(path, static_cast<std::uintmax_t>(bytes));
    run(fmt::format("chown {} {} && chmod 600 {}", vms_->default_user(), path.string(), path.string()));
    return path;
}

RealHost::~RealHost() {
    for (const GuestId id : {template_id, trial_id})
        if (kind_ == Kind::vm) domains_.force_off(id);
    for (const auto& domain : domains_.list()) {
        domains_.force_off(domain.id);
        domains_.undefine(domain.id);
    }
    (kind_ == Kind::vm ? connection_ : container_connection_)
        .call([instance = instance_, foreign = foreign_](virConnectPtr c) {
            for (const auto id : foreign)
                virDomainUndefine(
                    DomainHandle(virDomainLookupByName(c, fmt::format("{}-{}", instance, id).c_str())).get());
        });
    connection_.call([instance = instance_](virConnectPtr c) {
        const NetworkHandle network(virNetworkLookupByName(c, instance.c_str()));
        if (network) virNetworkDestroy(network.get()), virNetworkUndefine(network.get());
    });
    fs::remove_all(folder_);
}

NetworkSpec RealHost::network() {
    if (!network_) network_ = {instance_, registry_, free_subnet(networks_.taken_subnets()), "contract.internal"};
    return *network_;
}

DomainSpec RealHost::spec(GuestId id) {
    DomainSpec spec;
    networks_.ensure(network());
    spec.instance = instance_;
    spec.registry = registry_;
    spec.id = id;
    spec.name = fmt::format("alice-{}", id);
    spec.owner = "alice";
    spec.make = {"sha256:" + std::string(64, 'a'), 1, 1};
    spec.kind = kind_;
    spec.memory = 128LL << 20;
    spec.mac = mac_of(id);
    spec.network = instance_;
    if (kind_ == Kind::vm)
        add_disk(spec);
    else
        add_box(spec);
    return spec;
}

void RealHost::add_disk(DomainSpec& spec) {
    spec.root = folder_ / "root";
    spec.prototype = folder_ / "prototype";
    spec.overlay = folder_ / fmt::format("{}.qcow2", spec.id);
    spec.user = vms_->default_user();
    run(fmt::format("qemu-img create -q -f qcow2 -F raw -b {} {} && chown {} {}", spec.prototype, spec.overlay,
                    spec.user, spec.overlay));
}

// A root of nothing but the sleeper, in place of the guest's end.
void RealHost::add_box(DomainSpec& spec) {
    spec.root = folder_ / "box";
    spec.overlay = folder_ / fmt::format("overlay-{}", spec.id);
    spec.first_uid = 0x70000000U + static_cast<unsigned>(spec.id) * 65536;
    for (const auto* inside : {".oldroot", "dev", "mnt", "proc", "sys", "usr/libexec"})
        fs::create_directories(folder_ / "box" / inside);
    fs::create_directories(spec.overlay);
    fs::copy_file(DROVER_TEST_BOX, folder_ / "box/usr/libexec/drover-guest", fs::copy_options::skip_existing);
}

DomainSpec RealHost::sleeper(GuestId id) {
    auto sleeper = spec(id);
    sleeper.kernel = folder_ / "test_guest";
    sleeper.initrd = folder_ / "initrd";
    return sleeper;
}

DomainSpec RealHost::talker(GuestId id) {
    auto talker = spec(id);
    talker.kernel = image_ + "/vmlinuz";
    talker.initrd = image_ + "/initrd";
    talker.root = image_ + "/root.squashfs";
    return talker;
}

std::pair<std::string, std::string> RealHost::probe() { return {folder_ / "test_guest", folder_ / "initrd"}; }

void RealHost::signal_machine(GuestId id, int signal) {
    const auto* driver = kind_ == Kind::vm ? "qemu" : "lxc";
    ::kill(std::stoi(text_of(fmt::format("/run/libvirt/{}/{}-{}.pid", driver, instance_, id))), signal);
}

void RealHost::kill(GuestId id) { signal_machine(id, SIGKILL); }

void RealHost::freeze(GuestId id) { signal_machine(id, SIGSTOP); }

void RealHost::kill_dns() {
    const auto pid = std::stoi(text_of(fmt::format("/run/libvirt/network/{}.pid", instance_)));
    ::kill(pid, SIGKILL);
    while (::kill(pid, 0) == 0) std::this_thread::yield();
}

void RealHost::stop_network() {
    connection_.call([name = instance_](virConnectPtr c) {
        if (virNetworkDestroy(NetworkHandle(virNetworkLookupByName(c, name.c_str())).get()) < 0)
            throw last_error("stop");
    });
}

void RealHost::make_older_network(const HostName& host) {
    const auto spec = network();
    auto xml = to_xml(spec, instance_, derived_uuid(registry_, "network"), {});
    for (const auto* part : {"<dns>", "<dnsmasq:options>"}) {
        const auto from = xml.find(part);
        const auto end = std::string("</") + (part + 1);
        xml.erase(from, xml.find(end) + end.size() - from);
    }
    xml.insert(xml.find("<ip"), fmt::format("<dns>{}</dns>", host_xml(host, spec.domain)));
    connection_.call([xml](virConnectPtr c) {
        const NetworkHandle network(virNetworkDefineXML(c, xml.c_str()));
        if (!network || virNetworkCreate(network.get()) < 0) throw last_error("make an older network");
    });
}

bool RealHost::watches_folder(bool defined) {
    return connection_.call([&](virConnectPtr c) {
        const NetworkHandle network(virNetworkLookupByName(c, instance_.c_str()));
        const TextHandle xml(virNetworkGetXMLDesc(network.get(), defined ? VIR_NETWORK_XML_INACTIVE : 0));
        if (!xml) throw last_error("describe");
        return watches(xml.get(), folder_ / "names");
    });
}

void RealHost::add_foreign_domain(GuestId id) {
    foreign_.insert(id);
    const bool is_vm = kind_ == Kind::vm;
    const auto xml = fmt::format(
        "<domain type='{}'><name>{}-{}</name><memory>65536</memory><os><type arch='x86_64'>{}</type>{}</os></domain>",
        is_vm ? "qemu" : "lxc", instance_, id, is_vm ? "hvm" : "exe", is_vm ? "" : "<init>/bin/sh</init>");
    (is_vm ? connection_ : container_connection_).call([xml](virConnectPtr c) {
        if (!DomainHandle(virDomainDefineXML(c, xml.c_str()))) throw last_error("define");
    });
}

void RealHost::add_foreign_network() {
    connection_.call([name = instance_](virConnectPtr c) {
        const auto xml = fmt::format("<network><name>{}</name></network>", name);
        if (!NetworkHandle(virNetworkDefineXML(c, xml.c_str()))) throw last_error("define");
    });
}

}  // namespace drover
