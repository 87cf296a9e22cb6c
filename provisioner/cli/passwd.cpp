#include <crypt.h>
#include <fmt/format.h>
#include <sodium.h>

#include <ostream>
#include <string_view>

#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "cli/wait.hpp"
#include "model/password.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string guest;
    std::string user = "root";
    WaitOptions wait;
};

constexpr std::string_view readable = "abcdefghjkmnpqrstuvwxyz23456789";  // nothing that looks like something else
constexpr std::string_view of_salts = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::string random_text(std::string_view alphabet, std::size_t length) {
    std::string text;
    while (text.size() < length) text += alphabet[randombytes_uniform(static_cast<std::uint32_t>(alphabet.size()))];
    return text;
}

/// 79 bits: "abcd-efgh-jkmn-pqrs".
std::string new_password() {
    std::string text = random_text(readable, 4);
    for (int i = 0; i < 3; ++i) text += "-" + random_text(readable, 4);
    return text;
}

/// What both busybox and glibc verify.
std::string hash_of(const std::string& password) {
    crypt_data data{};
    const auto setting = "$6$" + random_text(of_salts, 16);
    const char* hash = crypt_r(password.c_str(), setting.c_str(), &data);
    std::string result = hash == nullptr ? "" : hash;
    sodium_memzero(&data, sizeof(data));
    if (!is_password_hash(result)) throw Error(ErrorKind::failed, "crypt(3) of this host makes no sha512-crypt");
    return result;
}

/// The password is known here alone, and shown once it opens something.
int passwd(Context& context, const Options& options) {
    if (sodium_init() < 0) throw Error(ErrorKind::failed, "no random numbers are to be had");
    const auto timeout = timeout_of(options.wait);
    const auto password = new_password();
    const auto body = wire::encode(PasswordChange{options.guest, options.user, hash_of(password)});
    wire::decode_password_change(body);
    Client client(context.socket);
    auto operation = wire::decode_operation(client.post("/v1/passwords", body));
    if (!operation.finished) operation = follow(context, client, operation.id, timeout);
    if (operation.outcome != "done") return tell_outcome(context, operation);
    if (context.json) {
        auto outcome = outcome_of(operation);
        outcome["user"] = options.user;
        outcome["password"] = password;
        print_json(context.console, outcome);
        return 0;
    }
    context.console.out << fmt::format("password of {} in {}, for one login: {}\n", options.user, options.guest,
                                       password);
    return 0;
}

}  // namespace

void add_passwd(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "passwd", "Have a guest take a one-time password, for a console that asks for one",
                          "  drover passwd alice-1\n  drover passwd alice-1 --user root");
    add_text(*verb, "NAME", options->guest, "", "The guest")->required();
    add_text(*verb, "--user", options->user, "LOGIN", "Whose password")->capture_default_str();
    add_text(*verb, "--timeout", options->wait.timeout, "DURATION", "How long to wait: 90s, 5m, 8h; 0: for ever")
        ->capture_default_str();
    on_chosen(verb, chosen, options, passwd);
}

}  // namespace drover::cli
