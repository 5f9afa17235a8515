// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include "base/sha256.h"
#include "integration/client/client_test_base.h"

namespace vortex::client {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ContentTest : public ClientTest {
 protected:
  void SetUp() override {
    ClientTest::SetUp();
    // Larger than one message, not a multiple of one, and different in every test.
    blob_ = namespace_;
    while (blob_.size() < (3U << 20)) blob_ += std::to_string(blob_.size()) + namespace_;
    digest_ = base::Sha256::Digest(blob_);
    request_ = {.ref = "ref-" + digest_,
                .digest = digest_,
                .size = static_cast<std::int64_t>(blob_.size()),
                .labels = {{"kind", "test"}}};
  }

  ContentSource Source() {
    return
        [this](std::int64_t offset, char* buffer, std::size_t size) -> absl::StatusOr<std::size_t> {
          if (first_offset_ < 0) first_offset_ = offset;
          if (offset >= cut_) return Error(absl::StatusCode::kDataLoss, "cut");
          return blob_.copy(buffer, size, static_cast<std::size_t>(offset));
        };
  }

  std::string blob_;
  std::string digest_;
  WriteContentRequest request_;
  std::int64_t cut_ = 1LL << 60;
  std::int64_t first_offset_ = -1;
};

TEST_F(ContentTest, WriteAndReadBack) {
  ASSERT_THAT(client_->content().Write(request_, Source(), Leased()), IsOk());
  const auto info = client_->content().Info(digest_);
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->size, request_.size);
  EXPECT_EQ(info->labels, request_.labels);
  EXPECT_EQ(*client_->content().ReadBlob(digest_, blob_.size()), blob_);
  EXPECT_THAT(client_->content().ReadBlob(digest_, blob_.size() - 1),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("larger than")));
  std::string part;
  ASSERT_THAT(client_->content().Read(digest_, 1'000'000, 500'000,
                                      [&](std::string_view piece) {
                                        part += piece;
                                        return absl::OkStatus();
                                      }),
              IsOk());
  EXPECT_EQ(part, blob_.substr(1'000'000, 500'000));
  EXPECT_THAT(client_->content().Read(
                  digest_, 0, 0, [](std::string_view) { return absl::AbortedError("enough"); }),
              StatusIs(absl::StatusCode::kAborted, "enough"));
  EXPECT_THAT(*client_->content().List({"labels.kind==test"}), SizeIs(1));
  EXPECT_THAT(client_->content().Delete(digest_), IsOk());
  EXPECT_THAT(client_->content().Info(digest_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(digest_)));
}

TEST_F(ContentTest, AnEmptyBlob) {
  const std::string digest = base::Sha256::Digest("");
  const auto source = [](std::int64_t, char*, std::size_t) -> absl::StatusOr<std::size_t> {
    return Error(absl::StatusCode::kInternal, "nothing to ask for");
  };
  ASSERT_THAT(
      client_->content().Write({.ref = "empty", .digest = digest, .size = 0}, source, Leased()),
      IsOk());
  EXPECT_EQ(*client_->content().ReadBlob(digest, 10), "");
}

TEST_F(ContentTest, WhatIsThereIsSuccessAndGetsTheLabels) {
  ASSERT_THAT(client_->content().Write(request_, Source(), Leased()), IsOk());
  first_offset_ = -1;
  request_.labels = {{"more", "1"}};
  ASSERT_THAT(client_->content().Write(request_, Source(), Leased()), IsOk());
  EXPECT_EQ(first_offset_, -1) << "the source was asked for data";
  EXPECT_EQ(client_->content().Info(digest_)->labels, (Labels{{"kind", "test"}, {"more", "1"}}));
}

TEST_F(ContentTest, ACutWriteGoesOnWhereItStopped) {
  cut_ = 1'500'000;
  EXPECT_THAT(client_->content().Write(request_, Source(), Leased()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cut")));
  const auto status = client_->content().Status(request_.ref);
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->offset, 3 << 19) << "three pieces of 512 KiB";
  EXPECT_THAT(*client_->content().ListStatuses(), SizeIs(1));
  cut_ = 1LL << 60;
  first_offset_ = -1;
  // Also after containerd itself went down.
  containerd().Kill9();
  ASSERT_THAT(containerd().Restart(), IsOk());
  ASSERT_THAT(client_->content().Write(request_, Source(), Leased()), IsOk());
  EXPECT_EQ(first_offset_, 3 << 19);
  EXPECT_EQ(*client_->content().ReadBlob(digest_, blob_.size()), blob_);
  EXPECT_THAT(*client_->content().ListStatuses(), IsEmpty());
}

TEST_F(ContentTest, AContainerdThatRestartsInTheMiddleIsNoFailure) {
  bool killed = false;
  const ContentSource source = [&](std::int64_t offset, char* buffer, std::size_t size) {
    if (offset >= 1'000'000 && !killed) {
      killed = true;
      containerd().Kill9();
      EXPECT_THAT(containerd().Restart(), IsOk());
    }
    return Source()(offset, buffer, size);
  };
  ASSERT_THAT(client_->content().Write(request_, source, Leased()), IsOk());
  EXPECT_TRUE(killed);
  EXPECT_EQ(*client_->content().ReadBlob(digest_, blob_.size()), blob_);
}

TEST_F(ContentTest, WrongBytesAreRefusedAndNotKept) {
  blob_[blob_.size() / 2] ^= 1;
  EXPECT_THAT(
      client_->content().Write(request_, Source(), Leased()),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("write content " + digest_)));
  EXPECT_THAT(client_->content().Info(digest_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("")));
  EXPECT_THAT(client_->content().Status(request_.ref),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(request_.ref)));
}

TEST_F(ContentTest, ASourceThatEndsEarlyIsRefused) {
  request_.size += 5;
  const ContentSource source = [&](std::int64_t offset, char* buffer,
                                   std::size_t size) -> absl::StatusOr<std::size_t> {
    const auto at = static_cast<std::size_t>(offset);
    return at >= blob_.size() ? 0 : blob_.copy(buffer, size, at);
  };
  EXPECT_THAT(client_->content().Write(request_, source, Leased()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("the source ended")));
  EXPECT_THAT(*client_->content().ListStatuses(), IsEmpty());
}

TEST_F(ContentTest, TwoWritersOfOneRef) {
  absl::Status second;
  const ContentSource source = [&](std::int64_t offset, char* buffer, std::size_t size) {
    if (offset == 0) second = client_->content().Write(request_, Source(), Leased());
    return Source()(offset, buffer, size);
  };
  EXPECT_THAT(client_->content().Write(request_, source, Leased()), IsOk());
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("locked")));
}

TEST_F(ContentTest, AbortForgetsAnIngest) {
  cut_ = 1'000'000;
  EXPECT_THAT(client_->content().Write(request_, Source(), Leased()), Not(IsOk()));
  EXPECT_THAT(client_->content().Abort(request_.ref), IsOk());
  EXPECT_THAT(client_->content().Status(request_.ref),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(request_.ref)));
}

TEST_F(ContentTest, ARequestWithoutRefOrDigestIsRefusedHere) {
  EXPECT_THAT(client_->content().Write({.ref = "", .digest = digest_, .size = 1}, Source()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ref")));
  EXPECT_THAT(client_->content().Read(digest_, -1, 0, nullptr),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("negative")));
}

}  // namespace
}  // namespace vortex::client
