// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_codes.h"

#include <gtest/gtest.h>

#include <csignal>

namespace vortex::cli {
namespace {

using sandbox::Cause;
using sandbox::Termination;

struct Case {
  Cause cause;
  std::optional<int> exit_code;
  std::optional<int> signal;
  int want;
};

// docs/user/cli.md has this table.
TEST(ExitCodesTest, EveryCause) {
  const Case cases[] = {
      {Cause::kOk, 0, {}, 0},
      {Cause::kPluginError, 1, {}, 1},
      {Cause::kPluginError, 7, {}, 7},
      {Cause::kPluginError, 255, {}, 255},
      // It exited with 0 but returned nothing usable: the caller must not take it for a success.
      {Cause::kPluginError, 0, {}, 1},
      {Cause::kSignal, {}, SIGSEGV, 139},
      {Cause::kSignal, {}, SIGTERM, 143},
      {Cause::kOom, {}, SIGKILL, 137},
      {Cause::kOom, 1, {}, 1},
      {Cause::kOom, {}, {}, 137},
      {Cause::kDeadline, {}, SIGKILL, 124},
      {Cause::kDeadline, 0, {}, 124},
      {Cause::kPidsLimit, 1, {}, 1},
      {Cause::kPidsLimit, 0, {}, 1},
      {Cause::kOutputLimit, {}, SIGKILL, 137},
      {Cause::kOutputLimit, {}, {}, 137},
      {Cause::kDiskLimit, 1, {}, 1},
      {Cause::kDiskLimit, {}, SIGXFSZ, 128 + SIGXFSZ},
      {Cause::kPolicyDenied, {}, {}, 125},
      {Cause::kSandboxUnavailable, {}, {}, 125},
      {Cause::kSandboxLost, {}, SIGKILL, 125},
      {Cause::kSpawnFailed, 127, {}, 127},
      {Cause::kSpawnFailed, 126, {}, 126},
      {Cause::kSpawnFailed, {}, {}, 126},
      {Cause::kCancelled, {}, SIGKILL, 130}};
  for (const Case& c : cases) {
    Termination termination;
    termination.cause = c.cause;
    termination.exit_code = c.exit_code;
    termination.signal = c.signal;
    EXPECT_EQ(ExitCodeFor(termination), c.want)
        << sandbox::CauseName(c.cause) << " exit " << c.exit_code.value_or(-1) << " signal "
        << c.signal.value_or(-1);
  }
}

// Whatever else is known, only a plugin that returned a value makes `vortexctl run` exit with 0.
TEST(ExitCodesTest, ZeroIsOk) {
  for (int i = static_cast<int>(Cause::kPluginError); i <= static_cast<int>(Cause::kSandboxLost);
       ++i) {
    for (const std::optional<int> exit_code :
         {std::optional<int>(), std::optional<int>(0), std::optional<int>(3)}) {
      for (const std::optional<int> signal : {std::optional<int>(), std::optional<int>(SIGKILL)}) {
        // Its own code is passed through; the harness and init give 126 and 127.
        if (static_cast<Cause>(i) == Cause::kSpawnFailed && exit_code == 0) continue;
        Termination termination;
        termination.cause = static_cast<Cause>(i);
        termination.exit_code = exit_code;
        termination.signal = signal;
        const int code = ExitCodeFor(termination);
        EXPECT_GT(code, 0) << i;
        EXPECT_LE(code, 255) << i;
      }
    }
  }
}

// A result that was never filled in is no success.
TEST(ExitCodesTest, NothingKnownIsASandboxFailure) { EXPECT_EQ(ExitCodeFor(Termination()), 125); }

}  // namespace
}  // namespace vortex::cli
