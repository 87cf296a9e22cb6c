#include "fsck/virsh.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <pugixml.hpp>
#include <set>
#include <sstream>
#include <string_view>

#include "model/error.hpp"

namespace drover::fsck {
namespace {

constexpr std::size_t batch = 200;  // descriptions per process: a start of virsh costs as much as some twenty of them
constexpr int most_tries = 3;
constexpr std::string_view tag_namespace = "urn:drover:1";

/// How virsh is asked about a sort of thing.
template <typename Thing> struct Words;
template <> struct Words<Domain> {
    static constexpr const char* list = "list --all --uuid";
    static constexpr const char* dump = "dumpxml";
    static constexpr const char* element = "domain";
};
template <> struct Words<Network> {
    static constexpr const char* list = "net-list --all --uuid";
    static constexpr const char* dump = "net-dumpxml";
    static constexpr const char* element = "network";
};

[[noreturn]] void fail(const std::string& message) {
    throw Error(ErrorKind::unavailable, message, "look whether libvirtd runs and answers");
}

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

std::set<std::string> set_of(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

std::string last_line(std::string_view text) {
    text = text.substr(0, text.find_last_not_of(" \n") + 1);
    return std::string(text.substr(text.find_last_of('\n') + 1));
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

/// Whether the element is our tag, whatever prefix libvirt keeps it under.
bool is_tag(const pugi::xml_node& node) {
    const std::string_view name = node.name();
    const auto attributes = node.attributes();
    return name.substr(name.find(':') + 1) == "guest" &&
           std::any_of(attributes.begin(), attributes.end(), [](const pugi::xml_attribute& attribute) {
               return std::string_view(attribute.name()).starts_with("xmlns") && attribute.value() == tag_namespace;
           });
}

void read(const pugi::xml_node& node, Domain& domain) {
    domain.name = node.child_value("name");
    domain.uuid = node.child_value("uuid");
    domain.is_container = std::string_view(node.attribute("type").value()) == "lxc";
    domain.active = !node.attribute("id").empty();
    if (const auto tag = node.child("metadata").find_child(is_tag)) {
        domain.registry = tag.attribute("registry").value();
        domain.guest = tag.attribute("name").value();
        domain.id = tag.attribute("id").as_llong();
    }
    for (const auto& interface : node.child("devices").children("interface"))
        domain.macs.push_back(lower(interface.child("mac").attribute("address").value()));
    for (const auto& disk : node.child("devices").children("disk"))
        domain.disks.emplace_back(disk.child("source").attribute("file").value());
}

void read(const pugi::xml_node& node, Network& network) {
    network.name = node.child_value("name");
    network.uuid = node.child_value("uuid");
    network.bridge = node.child("bridge").attribute("name").value();
    network.gateway = node.child("ip").attribute("address").value();
    for (const auto& host : node.child("dns").children("host")) {
        auto& entry = network.hosts.emplace_back(DnsHost{host.attribute("ip").value(), {}});
        for (const auto& name : host.children("hostname")) entry.names.emplace_back(name.child_value());
    }
}

/// All things of a text that holds their descriptions one after the other.
template <typename Thing> void read_all(const std::string& text, std::vector<Thing>& things) {
    pugi::xml_document document;
    const auto result = document.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_fragment);
    if (!result) fail(fmt::format("virsh {}: no well-formed XML: {}", Words<Thing>::dump, result.description()));
    for (const auto& node : document.children(Words<Thing>::element)) read(node, things.emplace_back());
}

template <typename Thing> std::vector<Thing> all_in(const std::string& text) {
    std::vector<Thing> things;
    read_all(text, things);
    return things;
}

template <typename Thing> std::optional<Thing> only(std::vector<Thing> things) {
    return things.empty() ? std::nullopt : std::optional(std::move(things.front()));
}

}  // namespace

std::vector<Domain> read_domains(const std::string& text) { return all_in<Domain>(text); }

std::vector<Network> read_networks(const std::string& text) { return all_in<Network>(text); }

Virsh::Virsh(std::string program, std::string uri) : program_(std::move(program)), uri_(std::move(uri)) {}

std::vector<Domain> Virsh::domains() const {
    auto domains = describe<Domain>(words_of(ask({Words<Domain>::list})));
    const auto persistent = set_of(words_of(ask({"list --all --persistent --uuid"})));
    for (auto& domain : domains) domain.persistent = persistent.contains(domain.uuid);
    return domains;
}

std::vector<Network> Virsh::networks() const {
    auto networks = describe<Network>(words_of(ask({Words<Network>::list})));
    const auto active = set_of(words_of(ask({"net-list --uuid"})));
    for (auto& network : networks) network.active = active.contains(network.uuid);
    return networks;
}

std::optional<Domain> Virsh::domain(const std::string& uuid) const { return only(describe<Domain>({uuid})); }

std::optional<Network> Virsh::network(const std::string& uuid) const { return only(describe<Network>({uuid})); }

void Virsh::destroy(const std::string& uuid) const { static_cast<void>(ask({"destroy", uuid})); }

void Virsh::undefine(const Domain& domain) const {
    std::vector<std::string> arguments{"undefine", domain.uuid};
    if (!domain.is_container) arguments.emplace_back("--managed-save");
    static_cast<void>(ask(arguments));
}

void Virsh::forget_host(const std::string& uuid, const std::string& address) const {
    std::vector<std::string> update{"net-update", uuid,    "delete",
                                    "dns-host",   "--xml", fmt::format("<host ip='{}'/>", address)};
    // virsh refuses all where one of the two does not know the entry, or the network is not active.
    std::string reason;
    for (const auto& where : std::vector<std::vector<std::string>>{{"--live", "--config"}, {"--live"}, {"--config"}}) {
        auto arguments = update;
        arguments.insert(arguments.end(), where.begin(), where.end());
        const auto outcome = run_virsh(arguments);
        if (outcome.ok()) return;
        if (reason.empty()) reason = last_line(outcome.errors);
    }
    fail(fmt::format("virsh net-update: {}", reason));
}

Outcome Virsh::run_virsh(const std::vector<std::string>& arguments) const {
    Command command{.argv = {program_, "-q", "-c", uri_}, .output_limit = 64U << 20U};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    try {
        auto outcome = run(command);
        if (outcome.timed_out) fail(fmt::format("virsh {} did not end within a minute", arguments.front()));
        return outcome;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::unavailable) throw;
        throw Error(ErrorKind::unavailable, error.what(), error.hint());
    }
}

std::string Virsh::ask(const std::vector<std::string>& arguments) const {
    auto outcome = run_virsh(arguments);
    if (!outcome.ok()) fail(fmt::format("virsh {}: {}", arguments.front(), last_line(outcome.errors)));
    return std::move(outcome.output);
}

// One that went between the two questions may be there again, defined anew under its UUID.
template <typename Thing> std::vector<Thing> Virsh::describe(std::vector<std::string> uuids) const {
    std::vector<Thing> things;
    for (int tries = 1;; ++tries) {
        const auto said = describe_once(uuids, things);
        std::set<std::string> described;
        for (const auto& thing : things) described.insert(thing.uuid);
        std::erase_if(uuids, [&](const std::string& uuid) { return described.contains(uuid); });
        if (uuids.empty()) return things;
        const auto listed = set_of(words_of(ask({Words<Thing>::list})));
        std::erase_if(uuids, [&](const std::string& uuid) { return !listed.contains(uuid); });
        if (uuids.empty()) return things;
        if (tries == most_tries)
            fail(fmt::format("virsh lists {} {} and does not describe it: {}", Words<Thing>::element, uuids.front(),
                             last_line(said)));
    }
}

template <typename Thing>
std::string Virsh::describe_once(const std::vector<std::string>& uuids, std::vector<Thing>& things) const {
    std::string said;
    for (std::size_t begin = 0; begin < uuids.size(); begin += batch) {
        std::string commands;
        for (std::size_t i = begin; i < std::min(begin + batch, uuids.size()); ++i)
            commands += fmt::format("{}{} {}", i == begin ? "" : "; ", Words<Thing>::dump, uuids[i]);
        const auto outcome = run_virsh({commands});  // its status is that of the last: what counts is what came
        read_all(outcome.output, things);
        said += outcome.errors;
    }
    return said;
}

}  // namespace drover::fsck
