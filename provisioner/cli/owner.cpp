#include <fmt/format.h>

#include <fstream>
#include <iostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "model/names.hpp"

namespace drover::cli {
namespace {

struct SetOptions {
    std::string name, quota, login;
    bool no_login = false;
    std::vector<std::string> key_files;
};

struct NameOptions {
    std::string name;
};

std::string path_of(const std::string& name) {
    check_owner_name(name);
    return "/v1/owners/" + wire::escape(name);
}

/// The keys of a file in the form of authorized_keys: one a line, comments and blank lines skipped.
void read_keys(std::istream& stream, const std::string& file, std::vector<std::string>& keys) {
    std::string line;
    for (int number = 1; std::getline(stream, line); ++number) {
        const auto begin = line.find_first_not_of(" \t\r");
        if (begin == std::string::npos || line[begin] == '#') continue;
        try {
            keys.push_back(check_public_key(line));
        } catch (const Error& error) {
            throw error.within(fmt::format("{}:{}", file, number));
        }
    }
    if (stream.bad()) throw Error(ErrorKind::usage, fmt::format("cannot read the key file '{}'", file));
}

std::vector<std::string> read_all_keys(std::istream& in, const std::vector<std::string>& files) {
    std::vector<std::string> keys;
    for (const auto& file : files) {
        if (file == "-") {
            read_keys(in, "standard input", keys);
            continue;
        }
        std::ifstream stream(file);
        if (!stream) throw Error(ErrorKind::usage, fmt::format("cannot open the key file '{}'", file));
        read_keys(stream, file, keys);
    }
    return keys;
}

OwnerChange read_change(Console& console, const SetOptions& options) {
    OwnerChange change{options.name, {}, {}, {}};
    if (!options.quota.empty()) change.quota = whole_number("--quota", options.quota, 0, wire::max_quota);
    if (!options.login.empty()) change.login = options.login;
    if (options.no_login) change.login = "";
    if (!options.key_files.empty()) change.keys = read_all_keys(console.in, options.key_files);
    // The daemon would refuse the same: the same rules, a round trip earlier.
    return wire::decode_owner_change(change.name, wire::encode(change));
}

std::string key_count(const wire::Json& owner) { return fmt::format("{}", owner.value("keys", wire::Json()).size()); }

int set(Context& context, const SetOptions& options) {
    const auto change = read_change(context.console, options);
    const auto owner = Client(context.socket).put(path_of(change.name), wire::encode(change));
    if (context.json) {
        print_json(context.console, owner);
    } else {
        context.console.out << fmt::format("owner {}: quota {}, {} keys, login {}\n", field(owner, "name"),
                                           field(owner, "quota"), key_count(owner),
                                           field(owner, "login").empty() ? "-" : field(owner, "login"));
    }
    return 0;
}

int list(Context& context, const NameOptions&) {
    const auto owners = Client(context.socket).get("/v1/owners");
    if (context.json) {
        print_json(context.console, owners);
        return 0;
    }
    Table table({"NAME", "LOGIN", "QUOTA", "GUESTS", "KEYS"});
    for (const auto& owner : owners) {
        table.add({field(owner, "name"), field(owner, "login"), field(owner, "quota"), field(owner, "guests"),
                   key_count(owner)});
    }
    table.print(context.console);
    return 0;
}

int remove(Context& context, const NameOptions& options) {
    Client(context.socket).remove(path_of(options.name));
    if (context.json) {
        print_json(context.console, {{"removed", options.name}});
    } else {
        context.console.out << fmt::format("owner {} removed\n", options.name);
    }
    return 0;
}

void add_set(CLI::App& family, Action& chosen) {
    auto options = std::make_shared<SetOptions>();
    auto* verb = add_verb(family, "set", "Create or change an owner; what is not given stays as it is",
                          "  drover owner set alice --quota 40 --key ~/.ssh/id_ed25519.pub\n"
                          "  drover owner set alice --login alice\n"
                          "  ssh-add -L | drover owner set alice --key -");
    add_text(*verb, "NAME", options->name, "", "The owner")->required();
    add_text(*verb, "--quota", options->quota, "N", "How many guests at most");
    auto* login =
        add_text(*verb, "--login", options->login, "ACCOUNT", "The account on this host that acts as the owner");
    verb->add_flag("--no-login", options->no_login, "No account acts as the owner any more")->excludes(login);
    add_repeated(*verb, "--key", options->key_files,
                 "The ssh public keys, one a line (-: standard input); may be repeated. All files "
                 "together replace the keys there were; /dev/null: no keys")
        ->type_name("FILE");
    on_chosen(verb, chosen, options, set);
}

}  // namespace

void add_owner(CLI::App& app, Action& chosen) {
    auto* family =
        add_verb(app, "owner", "Owners: set, list, remove", "  drover owner set alice --quota 40\n  drover owner list");
    family->require_subcommand(0, 1);
    add_set(*family, chosen);
    auto none = std::make_shared<NameOptions>();
    auto* listing = add_verb(*family, "list", "List owners", "  drover owner list --json");
    on_chosen(listing, chosen, none, list);
    auto named = std::make_shared<NameOptions>();
    auto* removal = add_verb(*family, "remove", "Remove an owner who has no guests", "  drover owner remove alice");
    add_text(*removal, "NAME", named->name, "", "The owner")->required();
    on_chosen(removal, chosen, named, remove);
}

}  // namespace drover::cli
