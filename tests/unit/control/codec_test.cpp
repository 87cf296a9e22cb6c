#include "control/codec.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "control/fields.hpp"
#include "model/error.hpp"

namespace drover::control {
namespace {

const std::string boot = "0123456789abcdef0123456789abcdef";
const std::string key32 = to_base64(std::string(32, 'k'));

Identity sample() {
    return {"alice-1",
            "drover.internal",
            "alice",
            "10.77.0.9/20",
            "10.77.0.1",
            "10.77.0.1",
            "52:54:00:00:00:2a",
            std::string(32, 'a'),
            "",
            "",
            1'700'000'000'000};
}

std::string sample_json() {
    const auto line = encode(FromDaemon(Introduce{7, sample()}));
    return line.substr(11, line.size() - 12);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

/// The line without its newline, as a LineReader hands it over.
template <typename Message> std::string line_of(const Message& message) {
    auto line = encode(message);
    EXPECT_TRUE(line.ends_with('\n'));
    line.pop_back();
    return line;
}

// ---- generators ----------------------------------------------------------------------------------------------------

rc::Gen<std::string> text_of(const std::string& alphabet, int least, int most) {
    return rc::gen::mapcat(rc::gen::inRange(least, most + 1), [alphabet](int length) {
        return rc::gen::container<std::string>(static_cast<std::size_t>(length), rc::gen::elementOf(alphabet));
    });
}
const std::string hex = "0123456789abcdef";
rc::Gen<std::string> bytes32() { return rc::gen::container<std::string>(32, rc::gen::arbitrary<char>()); }
rc::Gen<std::string> base64_of_32() {
    return rc::gen::map(bytes32(), [](const std::string& bytes) { return to_base64(bytes); });
}
rc::Gen<std::string> address() {
    return rc::gen::map(rc::gen::arbitrary<std::uint32_t>(), [](std::uint32_t v) { return to_text(Address{v}); });
}
rc::Gen<std::string> label() { return text_of("abcdefghijklmnopqrstuvwxyz0123456789", 1, 20); }

rc::Gen<Identity> identities() {
    return rc::gen::build<Identity>(
        rc::gen::set(&Identity::name, label()),
        rc::gen::set(&Identity::domain, rc::gen::map(rc::gen::pair(label(), label()),
                                                     [](const auto& p) { return p.first + "." + p.second; })),
        rc::gen::set(&Identity::owner, text_of("abcdefghij", 0, 31)),
        rc::gen::set(&Identity::address,
                     rc::gen::map(rc::gen::pair(address(), rc::gen::inRange(8, 30)),
                                  [](const auto& p) { return p.first + "/" + std::to_string(p.second); })),
        rc::gen::set(&Identity::gateway, address()), rc::gen::set(&Identity::dns, address()),
        rc::gen::set(&Identity::mac, rc::gen::just(std::string("52:54:00:ab:cd:ef"))),
        rc::gen::set(&Identity::machine_id, text_of(hex, 32, 32)),
        rc::gen::set(&Identity::time, rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000)));
}

}  // namespace

// ---- what is written is what is read -------------------------------------------------------------------------------

RC_GTEST_PROP(CodecRoundTrip, hello, ()) {
    const Hello message{*text_of(hex, 32, 32), *rc::gen::oneOf(base64_of_32(), rc::gen::just(std::string()))};
    RC_ASSERT(decode_from_guest(line_of(FromGuest(message))) == FromGuest(message));
}

RC_GTEST_PROP(CodecRoundTrip, ready_ok_err_service, (std::uint32_t n)) {
    const auto status =
        *rc::gen::element(ServiceStatus::up, ServiceStatus::down, ServiceStatus::failed, ServiceStatus::absent);
    for (const FromGuest& message :
         {FromGuest(Ready{*text_of(hex, 64, 64)}), FromGuest(Ok{n}), FromGuest(Err{n, *text_of("a bé:'\"", 1, 200)}),
          FromGuest(ServiceState{"web", status})}) {
        if (const auto* err = std::get_if<Err>(&message); err && !is_clean_text(err->text)) continue;
        RC_ASSERT(decode_from_guest(line_of(message)) == message);
    }
}

RC_GTEST_PROP(CodecRoundTrip, key_ping_stop, (std::uint32_t n)) {
    for (const FromDaemon& message :
         {FromDaemon(Key{n, "host", *base64_of_32()}),
          FromDaemon(Key{n, "authorized", "ssh-ed25519 " + *text_of("AB+/= x", 0, 200) + "="}), FromDaemon(Ping{n}),
          FromDaemon(Stop{n})})
        RC_ASSERT(decode_from_daemon(line_of(message)) == message);
}

RC_GTEST_PROP(CodecRoundTrip, renew, (std::uint32_t n)) {
    const auto seed = to_base64(*rc::gen::container<std::string>(renewal_seed_bytes, rc::gen::arbitrary<char>()));
    const Renew message{n, seed, *text_of(hex, 32, 32), "52:54:00:ab:cd:ef",
                        *rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000)};
    RC_ASSERT(decode_from_daemon(line_of(FromDaemon(message))) == FromDaemon(message));
}

RC_GTEST_PROP(CodecRoundTrip, introduce, (std::uint32_t n)) {
    const Introduce message{n, *identities()};
    RC_ASSERT(decode_from_daemon(line_of(FromDaemon(message))) == FromDaemon(message));
}

// ---- garbage -------------------------------------------------------------------------------------------------------

RC_GTEST_PROP(CodecGarbage, any_bytes_give_a_message_or_nothing, (const std::string& bytes)) {
    for (const std::string word :
         {"", "HELLO 1 ", "KEY 1 host ", "KEY 1 authorized ", "IDENTITY 1 ", "RENEW 1 ", "ERR 1 ", "OK "}) {
        decode_from_guest(word + bytes);
        decode_from_daemon(word + bytes);
    }
}

RC_GTEST_PROP(CodecGarbage, one_changed_byte_of_an_identity_is_refused_or_stays_readable, ()) {
    auto line = line_of(FromDaemon(Introduce{7, sample()}));
    line[*rc::gen::inRange<std::size_t>(0, line.size())] = *rc::gen::arbitrary<char>();
    const auto message = decode_from_daemon(line);
    if (message) {
        RC_ASSERT(decode_from_daemon(line_of(*message)) == message);
    }
}

TEST(CodecGarbage, lines_of_a_guest_that_are_nearly_right) {
    const std::vector<std::string> lines{"",
                                         "HELLO",
                                         "HELLO 1 " + boot,
                                         "HELLO 1 " + boot + " - x",
                                         "HELLO 2 " + boot + " -",
                                         "HELLO 01 " + boot + " -",
                                         "HELLO  1 " + boot + " -",
                                         "hello 1 " + boot + " -",
                                         "HELLO 1 " + boot + "0 -",
                                         "HELLO 1 " + boot + " " + key32.substr(1),
                                         "HELLO 1 " + boot + " " + key32 + "=",
                                         "HELLO 1 0123456789ABCDEF0123456789abcdef -",
                                         " HELLO 1 " + boot + " -",
                                         "HELLO 1 " + boot + " - ",
                                         "OK",
                                         "OK ",
                                         "OK -1",
                                         "OK +1",
                                         "OK 01",
                                         "OK 4294967296",
                                         "OK 1 ",
                                         "OK 1x",
                                         "ERR 1",
                                         "ERR 1 ",
                                         "ERR x y",
                                         "READY " + boot,
                                         "READY " + std::string(64, 'g'),
                                         "ERR 1 a\tb",
                                         "ERR 1 a\x1b[2J",
                                         "ERR 1 a\xc2\x9b",
                                         "ERR 1 a\xff",
                                         "ERR 1 a\xc0\xaf",
                                         "ERR 1 a\xed\xa0\x80",
                                         "ERR 1 " + std::string(max_line, 'x'),
                                         "SERVICE web",
                                         "SERVICE web up now",
                                         "SERVICE we/b up",
                                         "PING 1"};
    for (const auto& line : lines) EXPECT_FALSE(decode_from_guest(line)) << line;
}

TEST(CodecGarbage, lines_of_a_daemon_that_are_nearly_right) {
    const std::vector<std::string> lines{"KEY 1 host",
                                         "KEY 1 host " + key32 + " ",
                                         "KEY 1 host " + to_base64(std::string(31, 'k')),
                                         "KEY 1 guest " + key32,
                                         "KEY 1 authorized ",
                                         "KEY 1 authorized  a",
                                         "KEY 1 authorized " + std::string(2049, 'a'),
                                         "KEY x host " + key32,
                                         "PING",
                                         "PING 1 2",
                                         "STOP -",
                                         "STOP 1;reboot",
                                         "SHELL 1 ls",
                                         "ADDRESS6 1 fd12::9 -",
                                         "ADDRESS6 1 fd12::9/64",
                                         "ADDRESS6 1 fd12::9/64 10.77.0.1",
                                         "ADDRESS6 1 fd12:0::9/64 -",
                                         "ADDRESS6 1 fd12::9/064 -",
                                         "ADDRESS6 1 fd12::9/129 -",
                                         "ADDRESS6 1 fe80::1%eth0/64 -",
                                         "ADDRESS6 1 fd12::9/64 - -",
                                         "HELLO 1 " + boot + " -"};
    for (const auto& line : lines) EXPECT_FALSE(decode_from_daemon(line)) << line;
    EXPECT_TRUE(decode_from_daemon("KEY 1 authorized " + std::string(2048, 'a')));
}

TEST(Codec, a_second_address_is_told_by_a_line_of_its_own) {
    for (const auto* gateway : {"fd12::1", "fe80::1", ""}) {
        const TellAddress6 told{7, "fd12::9/64", gateway};
        const auto line = encode(FromDaemon(told));
        EXPECT_EQ(decode_from_daemon(line.substr(0, line.size() - 1)), FromDaemon(told));
    }
    auto identity = sample();
    const auto without = digest_of(identity, {}), line = encode(FromDaemon(Introduce{7, identity}));
    identity.address6 = "fd12::9/64";
    EXPECT_EQ(encode(FromDaemon(Introduce{7, identity})), line) << "an older guest's end refuses what it does not know";
    const auto with = digest_of(identity, {});
    EXPECT_NE(with, without);
    identity.gateway6 = "fd12::1";
    EXPECT_NE(digest_of(identity, {}), with);
}

TEST(CodecGarbage, an_identity_with_a_wrong_field) {
    const auto json = sample_json();
    ASSERT_TRUE(decode_from_daemon("IDENTITY 7 " + json));
    const std::vector<std::pair<std::string, std::string>> changes{
        {"\"owner\":\"alice\",", ""},      // missing
        {"\"owner\"", "\"holder\""},       // unknown in place of a known one
        {"{", "{\"shell\":\"/bin/sh\","},  // one more
        {"\"owner\":\"alice\"", "\"owner\":\"alice\",\"owner\":\"bob\""},
        {"\"alice-1\"", "\"Alice-1\""},
        {"\"alice-1\"", "\"alice-1\\n\""},
        {"\"alice-1\"", "\"../etc\""},
        {"\"alice-1\"", "7"},
        {"\"alice-1\"", "{\"a\":1}"},
        {"\"alice\"", "\"-alice\""},
        {"drover.internal", "drover..internal"},
        {"drover.internal", "drover internal"},
        {"10.77.0.9/20", "10.77.0.9"},
        {"10.77.0.9/20", "10.77.0.9/33"},
        {"10.77.0.9/20", "10.77.0.9/020"},
        {"10.77.0.9/20", "10.77.0.256/20"},
        {"\"gateway\":\"10.77.0.1\"", "\"gateway\":\"\""},
        {"52:54:00:00:00:2a", "52:54:00:00:00:2A"},
        {"52:54:00:00:00:2a", "52-54-00-00-00-2a"},
        {"52:54:00:00:00:2a", "52:54:00:00:00"},
        {std::string(32, 'a'), std::string(31, 'a')},
        {"1700000000000", "-1"},
        {"1700000000000", "1.7e12"},
        {"1700000000000", "\"1700000000000\""},
        {"1700000000000", "99999999999999999999"},
        {"}", "} "} /* blanks after it are JSON still */,
    };
    for (const auto& [from, to] : changes) {
        const auto line = "IDENTITY 7 " + replaced(json, from, to);
        EXPECT_EQ(decode_from_daemon(line).has_value(), to == "} ") << line;
    }
    EXPECT_FALSE(decode_from_daemon("IDENTITY 7 [" + json + "]"));
    EXPECT_FALSE(decode_from_daemon("IDENTITY 7 " + std::string(4000, '[')));
}

TEST(Codec, an_ownerless_guest_has_an_empty_owner) {
    auto identity = sample();
    identity.owner.clear();
    EXPECT_EQ(decode_from_daemon(line_of(FromDaemon(Introduce{1, identity}))), FromDaemon(Introduce{1, identity}));
}

TEST(Codec, nothing_is_written_that_would_be_two_lines_or_too_long) {
    auto identity = sample();
    identity.owner = "alice\nSTOP 1";
    EXPECT_THROW(encode(FromDaemon(Introduce{1, identity})), Error);
    EXPECT_THROW(encode(FromDaemon(Key{1, "authorized", "ssh-ed25519 A\nSTOP 1"})), Error);
    EXPECT_THROW(encode(FromGuest(Err{1, "a\r"})), Error);
    EXPECT_THROW(encode(FromGuest(Err{1, "\xff"})), Error);
    EXPECT_THROW(encode(FromGuest(Err{1, std::string(max_line, 'x')})), Error);
}

// ---- the digest ----------------------------------------------------------------------------------------------------

TEST(Digest, changes_with_everything_but_the_time) {
    const std::vector<std::string> keys{"ssh-ed25519 A a", "ssh-ed25519 B b"};
    const auto digest = digest_of(sample(), keys);
    EXPECT_TRUE(is_hex(digest, 64));

    auto later = sample();
    later.time += 1000;
    EXPECT_EQ(digest_of(later, keys), digest);
    auto renamed = sample();
    renamed.name = "alice-2";
    EXPECT_NE(digest_of(renamed, keys), digest);
    EXPECT_NE(digest_of(sample(), {keys[1], keys[0]}), digest);
    EXPECT_NE(digest_of(sample(), {keys[0]}), digest);
    EXPECT_NE(digest_of(sample(), {}), digest);
}

TEST(Digest, is_the_same_in_every_version) {
    EXPECT_EQ(digest_of(sample(), {"ssh-ed25519 A a"}),
              "1195c30b9f97a1e9eb5299981506e592d993f733edafd5c585d9ea33644da674");
}

}  // namespace drover::control
