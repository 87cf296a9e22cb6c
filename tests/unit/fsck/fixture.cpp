#include "fixture.hpp"

#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sodium.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <future>
#include <sstream>

namespace drover::test {
namespace fs = std::filesystem;
namespace {

const std::string digits = std::string(64, 'a');

std::string address_of(GuestId id) {
    return to_text(Address{parse_address("10.77.0.1").value + static_cast<std::uint32_t>(id)});
}

/// RFC 9562 version 8 of SHA-256("<registry_uuid>/guest/<id>"), for the domains that Drover makes.
std::string uuid_for(const std::string& name) {
    const auto text = registry_uuid + "/guest/" + name.substr(name.find('-') + 1);
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
    const auto hex = fmt::format("{:02x}", fmt::join(hash.begin(), hash.begin() + 16, ""));
    return fmt::format("{}-{}-8{}-{:x}{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3),
                       8U | ((hash[8] >> 4U) & 3U), hex.substr(17, 3), hex.substr(20));
}

/// The header of a qcow2 of one cluster, backed by `base`, with no clusters of data.
std::string qcow2_on(const std::string& base) {
    std::string header(1024, '\0');
    const auto put = [&](std::size_t offset, std::size_t size, std::uint64_t value) {
        for (; size > 0; value >>= 8U) header[offset + --size] = static_cast<char>(value & 0xffU);
    };
    put(0, 4, 0x514649fb);
    put(4, 4, 3);
    put(8, 8, 512);
    put(16, 4, base.size());
    put(20, 4, 9);    // clusters of 512 bytes
    put(36, 4, 2);    // two entries of the first table
    put(40, 8, 768);  // which lies there
    put(48, 8, 512);  // the other table
    put(56, 4, 1);    // of one cluster
    return header.replace(512, base.size(), base);
}

/// In order.
std::set<std::string> migrations() {
    std::set<std::string> files;
    for (const auto& entry : fs::directory_iterator(DROVER_SOURCE "/schema"))
        if (entry.path().filename().string().starts_with("0")) files.insert(entry.path());
    return files;
}

}  // namespace

std::string read_text(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

void write_text(const std::string& path, const std::string& text) {
    const auto aside = path + ".new";
    std::ofstream file(aside, std::ios::binary);
    file << text;
    file.close();
    ASSERT_TRUE(file) << path;
    fs::rename(aside, path);
}

FsckTest::FsckTest() {
    std::string form = (fs::temp_directory_path() / "drover-fsck-XXXXXX").string();
    if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = form;
    config_.state = folder_ / "state";
    config_.network.name = "drover";
    config_.network.domain = "drover.internal";
    for (const auto* path :
         {"state/overlays", "state/names", "state/roots/tiny", "hypervisor/domains", "hypervisor/networks", "net"})
        fs::create_directories(folder_ / path);
    fs::copy_file(DROVER_SOURCE "/tests/unit/fsck/virsh", hypervisor("virsh"));
    tools_ = {.virsh = hypervisor("virsh"),
              .nft = "/nonexistent/nft",  // what this machine has is not the tests'
              .hosts_file = folder_ / "hosts",
              .interfaces = folder_ / "net",
              .pause = std::chrono::milliseconds(1)};

    sql_.open(soci::sqlite3, fmt::format("dbname=\"{}\" timeout=10", state("registry.db")));
    std::string mode;
    sql_ << "PRAGMA journal_mode = WAL", soci::into(mode);
    sql_ << "PRAGMA synchronous = OFF";
    for (const auto& migration : migrations()) execute(read_text(migration));
    execute(fmt::format("INSERT INTO notes (key, value) VALUES ('uuid', '{}');\n", registry_uuid));

    make_root(digits);
    write_text(state("base.raw"), "what backs the overlays");
    fs::create_directories(folder_ / "net/drover-br");
    write_network({});
    add_dns("10.77.0.1", "gateway");
    write_text(tools_.hosts_file,
               "127.0.0.1 localhost\n# begin drover drover\n# end drover drover\n# begin drover lab\n10.88.0.9 other-1 "
               "other-1.lab.internal\n# end drover lab\n10.77.0.200 printer");
}

FsckTest::~FsckTest() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

void FsckTest::add_guest(const Row& row) {
    insert(row);
    if (row.phase == "reserved") return;
    make_domain(row);
    make_overlay(row.id, row.have_overlay);
    name_guest(row);
}

void FsckTest::insert(const Row& row) {
    const bool built = row.phase != "reserved";
    soci::transaction transaction(sql_);
    execute(fmt::format(
        "INSERT INTO guests (id, name, owner, kind, image, profile, host, address, mac, phase, desired, want_version, "
        "want_overlay, want_boot, have_version, have_overlay, have_boot, since, created, machine_id) VALUES ({}, '{}', "
        "'alice', 'vm', 'tiny', 'basic', 'local', {}, '{}', '{}', '{}', 'sha256:{}', {}, 1, '{}', {}, 1, 0, 0, '');\n",
        row.id, row.name, parse_address(address_of(row.id)).value, mac_of(row.id), row.phase, row.desired, digits,
        row.want_overlay, built ? "sha256:" + digits : "", built ? row.have_overlay : 0));
    execute(fmt::format("INSERT INTO addresses (address) VALUES ({});\n", parse_address(address_of(row.id)).value));
    transaction.commit();
}

void FsckTest::make_overlay(GuestId id, std::int64_t counter) {
    fs::create_directories(state(fmt::format("overlays/{}", id)));
    write_text(state(fmt::format("overlays/{}/{}.qcow2", id, counter)),
               qcow2_on(state("base.raw")) + fmt::format("data of {}", id));
}

void FsckTest::name_guest(const Row& row) {
    write_names(address_of(row.id), fmt::format("{} {}\n", address_of(row.id), row.name));
    add_hosts_line(fmt::format("{} {} {}.drover.internal", address_of(row.id), row.name, row.name));
}

void FsckTest::retire(const Row& row) {
    execute(fmt::format("UPDATE guests SET desired = 'gone', rev = rev + 1 WHERE id = {};\n", row.id));
    remove_domain(row.id);
    fs::remove(state("names/" + address_of(row.id)));
    std::istringstream lines(read_text(tools_.hosts_file));
    std::string rest;
    for (std::string line; std::getline(lines, line);)
        if (line.find(address_of(row.id)) == std::string::npos) rest += line + "\n";
    write_text(tools_.hosts_file, rest);
    remove_overlay(row.id);
    soci::transaction transaction(sql_);
    execute(fmt::format("UPDATE guests SET phase = 'gone', mac = NULL, rev = rev + 1 WHERE id = {};\n", row.id));
    execute(
        fmt::format("UPDATE addresses SET free_at = 1 WHERE address = {};\n", parse_address(address_of(row.id)).value));
    transaction.commit();
}

void FsckTest::remove_domain(GuestId id) {
    fs::remove(hypervisor(fmt::format("domains/{}.xml", uuid_for(fmt::format("drover-{}", id)))));
}

void FsckTest::remove_overlay(GuestId id) { fs::remove_all(state(fmt::format("overlays/{}", id))); }

std::string FsckTest::write_domain(const PlantedDomain& domain) {
    const auto name = domain.name.empty() ? fmt::format("drover-{}", domain.id) : domain.name;
    const auto tag = fmt::format("<drover:guest xmlns:drover='urn:drover:1' registry='{}' id='{}' name='{}'/>",
                                 domain.registry, domain.id, domain.guest);
    const auto disk = domain.disk.empty() ? state(fmt::format("overlays/{}/1.qcow2", domain.id)) : domain.disk;
    const auto path = hypervisor(fmt::format("domains/{}.xml", uuid_for(name)));
    write_text(path,
               fmt::format("<domain type='qemu'{}>\n  <name>{}</name>\n  <uuid>{}</uuid>\n  <metadata>{}"
                           "<other:thing xmlns:other='urn:other'/></metadata>{}\n  <devices>\n"
                           "    <disk type='file'><source file='/root.squashfs'/></disk>\n"
                           "    <disk type='file'><source file='{}'/></disk>\n"
                           "    <interface type='network'><mac address='{}'/></interface>\n  </devices>\n</domain>\n",
                           domain.active ? " id='3'" : "", name, uuid_for(name), domain.registry.empty() ? "" : tag,
                           domain.transient ? "<!-- transient -->" : "", disk,
                           domain.mac.empty() ? mac_of(domain.id) : domain.mac));
    return path;
}

void FsckTest::write_network(const PlantedNetwork& network) {
    write_text(hypervisor(fmt::format("networks/{}.xml", network.uuid)),
               fmt::format("<network connections='2'>\n  <name>{}</name>\n  <uuid>{}</uuid>\n  <bridge name='{}'/>\n"
                           "  <dns>\n  </dns>\n  <ip address='10.77.0.1' netmask='255.255.240.0'/>\n</network>\n",
                           network.name, network.uuid, network.bridge));
    write_text(hypervisor(fmt::format("networks/{}.config", network.uuid)), "");
}

void FsckTest::add_dns(const std::string& address, const std::string& name, bool in_definition) {
    for (const auto& uuid : {network_uuid, foreign_uuid}) {
        const auto file = hypervisor(fmt::format("networks/{}", uuid));
        if (!fs::exists(file + ".xml")) continue;
        auto text = read_text(file + ".xml");
        text.insert(
            text.find("  </dns>"),
            fmt::format("    <host ip='{}'><hostname>{}</hostname><hostname>{}.drover.internal</hostname></host>\n",
                        address, name, name));
        write_text(file + ".xml", text);
        if (in_definition) write_text(file + ".config", read_text(file + ".config") + address + "\n");
    }
}

void FsckTest::write_names(const std::string& file, const std::string& text) const {
    write_text(state("names/" + file), text);
}

void FsckTest::add_hosts_line(const std::string& line) {
    auto text = read_text(tools_.hosts_file);
    text.insert(text.find("# end drover drover\n"), line + "\n");
    write_text(tools_.hosts_file, text);
}

void FsckTest::make_root(const std::string& hex) {
    fs::create_directories(state("roots/tiny/" + hex));
    for (const auto* part : {"root.squashfs", "vmlinuz", "initrd"})
        write_text(state(fmt::format("roots/tiny/{}/{}", hex, part)), part);
    write_text(
        state(fmt::format("roots/tiny/{}/manifest.json", hex)),
        R"({"files": {)"
        R"("initrd": {"bytes": 6, "sha256": "09e6c018d2c8c4903308613dd1b72484d57eadf12ec50ddc8f52e5accce470f2"},)"
        R"("root.squashfs": {"bytes": 13, "sha256": "856b336e002ca6c66ee7d893f95cc3e57132ef0e3444a068fa7a050d1cfbfaf6"},)"
        R"("vmlinuz": {"bytes": 7, "sha256": "42f083196bf0997a4f9c37295e311eb5012aa59e383c15b8ba466070af14cd8f"}}})"
        "\n");
    execute("INSERT INTO versions (image, digest, built) VALUES ('tiny', 'sha256:" + hex + "', 0);\n");
}

void FsckTest::execute(const std::string& sql) {
    std::size_t begin = 0;
    for (auto end = sql.find(";\n"); end != std::string::npos; begin = end + 2, end = sql.find(";\n", begin))
        sql_ << sql.substr(begin, end - begin);
}

std::vector<Finding> FsckTest::look(bool repair) { return Fsck(config_, tools_).run(repair); }

std::vector<std::string> FsckTest::kinds(bool repair) { return kinds_of(look(repair)); }

std::vector<std::string> FsckTest::kinds_of(const std::vector<Finding>& findings) {
    std::vector<std::string> kinds;
    for (const auto& finding : findings) {
        kinds.push_back(fmt::format("{} {} {}", finding.kind, finding.object, finding.guest));
        if (finding.guest.empty()) kinds.back().pop_back();
    }
    return kinds;
}

std::vector<std::string> FsckTest::kinds_while(const std::vector<std::function<void()>>& changes) {
    for (const auto* pipe : {"arrived", "go"})
        if (::mkfifo(hypervisor(pipe).c_str(), 0600) != 0) throw std::runtime_error("no pipe");
    auto looking = std::async(std::launch::async, [this] { return kinds(); });
    for (std::size_t i = 0; i < changes.size(); ++i) {
        read_text(hypervisor("arrived"));
        changes[i]();
        if (i + 1 == changes.size()) fs::remove(hypervisor("arrived"));
        std::ofstream(hypervisor("go")) << "on\n";
    }
    auto found = looking.get();
    fs::remove(hypervisor("go"));
    return found;
}

std::vector<std::string> FsckTest::lost() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(state("lost"))) {
        const auto name = entry.path().filename().string();
        names.push_back(name.substr(0, name.rfind('-')));
    }
    return names;
}

}  // namespace drover::test
