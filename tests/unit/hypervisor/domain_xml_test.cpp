#include "hypervisor/domain_xml.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "golden.hpp"
#include "hypervisor/xml.hpp"
#include "model/error.hpp"
#include "schema.hpp"

namespace drover {
namespace {

constexpr const char* registry = "0f3c8d3e-9a54-4c39-8d2b-3c8f4f6f2a10";

DomainSpec spec() {
    DomainSpec spec;
    spec.instance = "drover";
    spec.registry = registry;
    spec.id = 42;
    spec.name = "alice-1";
    spec.owner = "alice";
    spec.make = {"sha256:" + std::string(64, 'a'), 3, 7};
    spec.kernel = "/var/lib/drover/roots/tiny/aa/vmlinuz";
    spec.initrd = "/var/lib/drover/roots/tiny/aa/initrd";
    spec.root = "/var/lib/drover/roots/tiny/aa/root.squashfs";
    spec.parameters = "drover.persistent=/home,/root";
    spec.overlay = "/var/lib/drover/overlays/42/3.qcow2";
    spec.prototype = "/var/lib/drover/prototypes/basic-1073741824.raw";
    spec.memory = 96LL << 20;
    spec.cpus = 1;
    spec.mac = "52:54:00:00:00:2a";
    spec.network = "drover";
    spec.user = "+64055:+107";
    return spec;
}

std::string tag(const std::string& attributes) { return "<guest " + attributes + "/>"; }

// Valid UTF-8 without control characters, with a liking for what XML treats in a special way.
rc::Gen<std::string> printable_text() {
    const auto piece = rc::gen::weightedOneOf<std::string>(
        {{3, rc::gen::element<std::string>("<", ">", "&", "\"", "'", "]]>", "&amp;", " ", "--", "é", "漢", "🐑")},
         {2, rc::gen::map(rc::gen::inRange<char>(0x20, 0x7f), [](char c) { return std::string(1, c); })}});
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                        [](const std::vector<std::string>& pieces) {
                            std::string text;
                            for (const auto& one : pieces) text += one;
                            return text;
                        });
}

TEST(DomainXml, IsAsWrittenDownForAGuestWithoutKvm) {
    expect_golden("domain-tcg.xml", to_xml(spec()));
    EXPECT_TRUE(is_valid("domain", to_xml(spec())));
}

TEST(DomainXml, IsAsWrittenDownForAGuestOfAPoolUnderKvm) {
    auto pooled = spec();
    pooled.kvm = true;
    pooled.owner.clear();
    pooled.parameters.clear();
    expect_golden("domain-kvm-pool.xml", to_xml(pooled));
    EXPECT_TRUE(is_valid("domain", to_xml(pooled)));
}

TEST(DomainXml, IsAsWrittenDownForAGuestOfACloudImage) {
    auto cloud = spec();
    cloud.kernel = cloud.initrd = cloud.root = cloud.parameters = "";
    cloud.prototype = "/var/lib/drover/roots/bookworm/bb/disk.qcow2";
    cloud.seed = "/var/lib/drover/overlays/42/seed.iso";
    expect_golden("domain-cloud.xml", to_xml(cloud));
    EXPECT_TRUE(is_valid("domain", to_xml(cloud)));
}

TEST(DomainXml, IsAsWrittenDownForTheProbe) {
    const auto xml = probe_xml({"drover", registry}, "/k", "/i", "+64055:+107");
    expect_golden("domain-probe.xml", xml);
    EXPECT_TRUE(is_valid("domain", xml));
}

DomainSpec container_spec() {
    auto boxed = spec();
    boxed.kind = Kind::container;
    boxed.kernel = boxed.initrd = boxed.prototype = boxed.user = "";
    boxed.root = "/run/drover/containers/42/root";
    boxed.overlay = "/run/drover/containers/42/overlay";
    boxed.first_uid = 1879703552;
    boxed.cpus = 2;
    return boxed;
}

TEST(ContainerXml, IsAsWrittenDown) {
    expect_golden("domain-container.xml", container_xml(container_spec()));
    EXPECT_TRUE(is_valid("domain", container_xml(container_spec())));
    EXPECT_TRUE(read_tag(container_xml(container_spec())));
    EXPECT_EQ(read_tag(container_xml(container_spec())), read_tag(to_xml(spec())));
}

TEST(ContainerXml, TellsAProfileWithoutPathsByNothing) {
    auto bare = container_spec();
    bare.parameters.clear();
    EXPECT_EQ(container_xml(bare).find("<initarg></initarg>"), std::string::npos);
    EXPECT_TRUE(is_valid("domain", container_xml(bare)));
}

std::string with_consoles(const std::string& consoles) {
    return "<domain type='lxc'><devices>" + consoles + "</devices></domain>";
}

TEST(ContainerXml, ItsChannelIsItsSecondConsole) {
    const std::string first =
        "<console type='pty' tty='/dev/pts/3'><source path='/dev/pts/3'/><target port='0'/></console>";
    const auto second = [](const std::string& path) {
        return "<console type='pty'><source path='" + path + "'/><target type='lxc' port='1'/></console>";
    };
    EXPECT_EQ(read_second_tty_path(with_consoles(first + second("/dev/pts/4"))), "/dev/pts/4");
    EXPECT_EQ(read_second_tty_path(with_consoles(first)), std::nullopt);
    for (const std::string path : {"", "/dev/pts/", "/dev/pts/-1", "/dev/pts/4/../../sda", "/dev/sda", "pts/4"})
        EXPECT_EQ(read_second_tty_path(with_consoles(second(path))), std::nullopt) << path;
}

TEST(DomainXml, CarriesTheTagOfItsSpec) {
    const OwnerTag wanted{registry, 42, "alice-1", "alice", {"sha256:" + std::string(64, 'a'), 3, 7}};
    EXPECT_EQ(read_tag(to_xml(spec())), wanted);
}

RC_GTEST_PROP(DomainXml, AnyNameAndOwnerComeBackAsTheyWere, ()) {
    auto any = spec();
    any.name = *printable_text();
    any.owner = *printable_text();
    const auto xml = to_xml(any);
    const auto read = read_tag(xml);
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->name == any.name);
    RC_ASSERT(read->owner == any.owner);
    const auto document = xml::parse(xml, "domain");
    RC_ASSERT(document.child("domain").child("title").text().get() == any.name);
}

RC_GTEST_PROP(DomainXml, AnyBytesComeBackOrAreRefused, (std::string bytes)) {
    auto any = spec();
    any.name = bytes;
    try {
        RC_ASSERT(read_tag(to_xml(any))->name == bytes);
    } catch (const Error& error) {
        RC_ASSERT(error.kind() == ErrorKind::usage);
    }
}

TEST(DomainXml, RefusesWhatXmlCannotHold) {
    for (const std::string text : {"a\nb", "a\x01", "a\x7f", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xef\xbf\xbe"}) {
        auto bad = spec();
        bad.name = text;
        EXPECT_THROW(to_xml(bad), Error) << testing::PrintToString(text);
    }
}

TEST(OwnerTag, IsReadFromTheElementAloneToo) {
    const auto read = read_tag(tag("registry='r' id='1' name='a-1' owner='' version='' boot='0' overlay='2'"));
    EXPECT_EQ(read, (OwnerTag{"r", 1, "a-1", "", {"", 2, 0}}));
}

TEST(OwnerTag, IsNoneUnlessAllOfItIsRight) {
    const std::string good = "registry='r' id='1' name='a-1' owner='a' version='' boot='1' overlay='1'";
    ASSERT_TRUE(read_tag(tag(good)));
    const auto with = [&](const std::string& from, const std::string& to) {
        auto changed = good;
        return tag(changed.replace(changed.find(from), from.size(), to));
    };
    EXPECT_FALSE(read_tag(with("registry='r'", "")));
    EXPECT_FALSE(read_tag(with("owner='a'", "")));
    EXPECT_FALSE(read_tag(with("overlay='1'", "")));
    for (const auto* id : {"", "-1", "+1", "01", "1x", " 1", "0x1", "9223372036854775808"})
        EXPECT_FALSE(read_tag(with("id='1'", std::string("id='") + id + "'"))) << id;
    for (const auto* version : {"1", "sha256:", "sha256:abc", "md5:aa"})
        EXPECT_FALSE(read_tag(with("version=''", std::string("version='") + version + "'"))) << version;
    EXPECT_FALSE(read_tag(with("version=''", "version='sha256:" + std::string(64, 'G') + "'")));
}

TEST(OwnerTag, IsNotFoundInAnotherNamespaceOrWhereThereIsNone) {
    const auto domain = [](const std::string& metadata) {
        return "<domain><metadata>" + metadata + "</metadata></domain>";
    };
    const std::string rest = " registry='r' id='1' name='a' owner='' version='' boot='1' overlay='1'/>";
    EXPECT_TRUE(read_tag(domain("<drover:guest xmlns:drover='urn:drover:1'" + rest)));
    EXPECT_FALSE(read_tag(domain("<drover:guest xmlns:drover='urn:other:1'" + rest)));
    EXPECT_FALSE(read_tag(domain("")));
    EXPECT_FALSE(read_tag("<domain/>"));
    EXPECT_THROW(read_tag("<domain"), Error);
}

TEST(ChannelPath, IsThatOfTheControlChannelOfALiveDomain) {
    const std::string other =
        "<channel type='unix'><source path='/o'/><target name='org.qemu.guest_agent.0'/></channel>";
    const std::string ours =
        "<channel type='unix'><source mode='bind' path='/c'/><target name='drover.control'/></channel>";
    EXPECT_EQ(read_channel_path("<domain><devices>" + other + ours + "</devices></domain>"), "/c");
    EXPECT_EQ(read_channel_path("<domain><devices>" + other + "</devices></domain>"), std::nullopt);
    EXPECT_EQ(read_channel_path(to_xml(spec())), std::nullopt);
}

TEST(Capabilities, NameTheUserThatRunsVms) {
    const std::string model =
        "<secmodel><model>dac</model><baselabel type='kvm'>+1:+2</baselabel>"
        "<baselabel type='qemu'>+3:+4</baselabel></secmodel>";
    EXPECT_EQ(read_user("<capabilities><host>" + model + "</host></capabilities>"), "+3:+4");
    EXPECT_EQ(read_user("<capabilities><host/></capabilities>"), std::nullopt);
}

}  // namespace
}  // namespace drover
