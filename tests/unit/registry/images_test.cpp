#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string digest_two = "sha256:" + std::string(64, '2');
const std::string digest_three = "sha256:2" + std::string(63, '3');

class ImagesTest : public RegistryTest {
  protected:
    Images& images() { return registry_->images; }
    void build(const std::string& digest, const std::string& image = "tiny") {
        pass(std::chrono::seconds(1));
        images().add(image, digest);
    }
    std::string promote(const std::optional<std::string>& digest = std::nullopt) {
        return images().promote(root, "tiny", digest);
    }
    /// Why it cannot be removed.
    std::string refusal(const std::string& digest) {
        const auto error = error_of([&] { images().begin_removal(root, "tiny", digest); });
        EXPECT_EQ(error.kind(), ErrorKind::refused);
        return error.what();
    }
};

TEST_F(ImagesTest, give_new_guests_the_first_version_until_another_is_promoted) {
    build(digest_two);
    EXPECT_EQ(images().current("tiny"), digest_one);
    EXPECT_EQ(promote(), digest_two) << "the one built last";
    EXPECT_EQ(images().current("tiny"), digest_two);
    EXPECT_EQ(promote(digest_one), digest_one);
    EXPECT_EQ(images().current("tiny"), digest_one);
    EXPECT_EQ(registry_->operations.list(1).at(0).verb, "image-promote");
    EXPECT_EQ(registry_->operations.list(1).at(0).outcome, "done");
}

TEST_F(ImagesTest, that_are_not_there_are_not_found) {
    const auto error = error_of([&] { images().current("debian"); });
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_STREQ(error.what(), "no image 'debian'");
    EXPECT_EQ(error.hint(), "drover image build debian");
    EXPECT_EQ(error_of([&] { images().promote(root, "debian", std::nullopt); }).kind(), ErrorKind::not_found);
    EXPECT_EQ(error_of([&] { images().promote(root, "tiny", digest_two); }).kind(), ErrorKind::not_found);
    EXPECT_EQ(error_of([&] { images().roll_back(root, "debian"); }).kind(), ErrorKind::not_found);
    EXPECT_EQ(error_of([&] { images().begin_removal(root, "tiny", digest_two); }).kind(), ErrorKind::not_found);
}

TEST_F(ImagesTest, go_back_to_what_new_guests_got_before) {
    EXPECT_EQ(error_of([&] { images().roll_back(root, "tiny"); }).kind(), ErrorKind::refused);
    build(digest_two);
    promote();
    EXPECT_EQ(images().roll_back(root, "tiny"), digest_one);
    EXPECT_EQ(images().current("tiny"), digest_one);
    EXPECT_EQ(images().roll_back(root, "tiny"), digest_two) << "done twice, nothing has changed";
}

TEST_F(ImagesTest, are_meant_by_as_much_of_a_digest_as_tells_them_apart) {
    build(digest_two);
    build(digest_three);
    EXPECT_EQ(images().meant("1").digest, digest_one);
    EXPECT_EQ(images().meant("tiny", digest_two).digest, digest_two);
    EXPECT_EQ(images().meant("sha256:22").digest, digest_two);
    EXPECT_EQ(images().meant("23").image, "tiny");
    EXPECT_EQ(error_of([&] { images().meant("2"); }).kind(), ErrorKind::refused);
    for (const auto* text : {"", "sha256:", "4", "x"})
        EXPECT_EQ(error_of([&] { images().meant(text); }).kind(), ErrorKind::not_found) << text;
    EXPECT_EQ(error_of([&] { images().meant("debian", digest_one); }).kind(), ErrorKind::not_found);
}

TEST_F(ImagesTest, are_listed_newest_first_with_the_guests_that_want_or_have_them) {
    build("sha256:d", "debian");
    build(digest_two);
    add_owner("alice");
    request(asking("alice", 3));
    change(Verb::retire, {"alice-1"});
    bring_home("alice-1");
    auto before = guest("alice-2"), after = before;
    after.have.version = digest_one;
    after.want.version = digest_two;
    ASSERT_TRUE(registry_->guests.save(before, after));
    const auto rows = images().list();
    ASSERT_THAT(rows, SizeIs(3));
    EXPECT_EQ(rows[0].image, "debian");
    EXPECT_EQ(rows[0].guests, 0);
    EXPECT_EQ(rows[1].digest, digest_two);
    EXPECT_FALSE(rows[1].promoted);
    EXPECT_EQ(rows[1].built, time_);
    EXPECT_EQ(rows[1].guests, 1);
    EXPECT_EQ(rows[2].digest, digest_one);
    EXPECT_TRUE(rows[2].promoted);
    EXPECT_EQ(rows[2].guests, 2);
}

TEST_F(ImagesTest, are_removed_when_nobody_needs_them) {
    build(digest_two);
    EXPECT_THAT(refusal(digest_one), HasSubstr("new guests of 'tiny' get"));
    add_owner("alice");
    request(asking("alice", 2));
    promote(digest_two);
    EXPECT_THAT(refusal(digest_one), HasSubstr("needed by alice-1 and 1 more"));
    for (const auto* name : {"alice-1", "alice-2"}) {
        change(Verb::retire, {name});
        bring_home(name);
    }
    const auto id = images().begin_removal(root, "tiny", digest_one);
    EXPECT_THAT(images().list(), SizeIs(1));
    EXPECT_EQ(error_of([&] { promote(digest_one); }).kind(), ErrorKind::not_found);
    EXPECT_EQ(error_of([&] { images().roll_back(root, "tiny"); }).kind(), ErrorKind::refused) << "it is going";
    EXPECT_EQ(operation(id).outcome, "running");
    images().end_removal("tiny", digest_one);
    images().end_removal("tiny", digest_one);
    build(digest_one);
    EXPECT_THAT(images().list(), SizeIs(2)) << "built again, it is there again";
}

TEST_F(ImagesTest, that_went_meanwhile_are_given_to_nobody) {
    build(digest_two);
    promote();
    images().begin_removal(root, "tiny", digest_one);
    add_owner("alice");
    const auto error = error_of([&] { request(asking("alice", 1)); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(names({}), IsEmpty());
}

}  // namespace
}  // namespace drover::test
