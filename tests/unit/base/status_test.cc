// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "absl/strings/cord.h"
#include "support/status_matchers.h"

namespace vortex {
namespace {

using vortex::testing::StatusIs;

TEST(StatusTest, ErrnoIsInTheMessageAndKept) {
  const absl::Status status = ErrnoStatus(ENOSPC, "write /var/x");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               "write /var/x: No space left on device (ENOSPC)"));
  EXPECT_EQ(GetErrno(status), ENOSPC);
}

TEST(StatusTest, CodesFitTheErrno) {
  const std::pair<int, absl::StatusCode> cases[] = {
      {ENOENT, absl::StatusCode::kNotFound},
      {EEXIST, absl::StatusCode::kAlreadyExists},
      {EACCES, absl::StatusCode::kPermissionDenied},
      {EPERM, absl::StatusCode::kPermissionDenied},
      {EINVAL, absl::StatusCode::kInvalidArgument},
      {EDQUOT, absl::StatusCode::kResourceExhausted},
      {EMFILE, absl::StatusCode::kResourceExhausted},
      {ENOMEM, absl::StatusCode::kResourceExhausted},
      {ETIMEDOUT, absl::StatusCode::kDeadlineExceeded},
      {ECONNREFUSED, absl::StatusCode::kUnavailable},
      {EIO, absl::StatusCode::kInternal}};
  for (const auto& [error, code] : cases) EXPECT_EQ(ErrnoStatus(error, "x").code(), code) << error;
}

TEST(StatusTest, AnErrnoWithoutAName) {
  EXPECT_EQ(ErrnoName(999), "errno 999");
  EXPECT_EQ(Message(ErrnoStatus(999, "x")), "x: unknown error (errno 999)");
}

TEST(StatusTest, OtherErrorsHaveNoErrno) {
  EXPECT_EQ(GetErrno(InvalidArgument("x")), std::nullopt);
  EXPECT_EQ(GetErrno(absl::OkStatus()), std::nullopt);
}

TEST(StatusTest, AnnotateKeepsCodeErrnoAndOtherPayloads) {
  absl::Status status = ErrnoStatus(ENOENT, "open a");
  status.SetPayload("other", absl::Cord("x"));
  const absl::Status out = Annotate(status, "bundle b");
  EXPECT_THAT(out, StatusIs(absl::StatusCode::kNotFound,
                            "bundle b: open a: No such file or directory (ENOENT)"));
  EXPECT_EQ(GetErrno(out), ENOENT);
  EXPECT_EQ(out.GetPayload("other"), absl::Cord("x"));
  EXPECT_TRUE(Annotate(absl::OkStatus(), "bundle b").ok());
}

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("{} is odd", n);
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  VX_ASSIGN_OR_RETURN(const int half, Half(n));
  VX_RETURN_IF_ERROR(Half(half).status());
  return half / 2;
}

TEST(StatusTest, EarlyReturns) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_THAT(Quarter(3), StatusIs(absl::StatusCode::kInvalidArgument, "3 is odd"));
  EXPECT_THAT(Quarter(6), StatusIs(absl::StatusCode::kInvalidArgument, "3 is odd"));
}

}  // namespace
}  // namespace vortex
