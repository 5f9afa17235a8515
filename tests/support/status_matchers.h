// SPDX-License-Identifier: Apache-2.0
// GoogleTest matchers for absl::Status and absl::StatusOr; Debian 12's Abseil has none.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/status.h"

namespace vortex::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// StatusIs(absl::StatusCode::kNotFound, HasSubstr("no such socket"))
MATCHER_P2(StatusIs, code, message, "") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return ::testing::Matches(code)(status.code()) &&
         ::testing::Matches(message)(std::string(vortex::Message(status)));
}

}  // namespace vortex::testing

// VX_ASSERT_OK_AND_ASSIGN(auto client, Client::Connect(…));
#define VX_ASSERT_OK_AND_ASSIGN(lhs, expr) \
  VX_ASSERT_OK_AND_ASSIGN_(VX_CONCAT_(vx_tested_, __LINE__), lhs, expr)
#define VX_ASSERT_OK_AND_ASSIGN_(tmp, lhs, expr) \
  auto tmp = (expr);                             \
  ASSERT_TRUE(tmp.ok()) << tmp.status();         \
  lhs = std::move(tmp).value()
