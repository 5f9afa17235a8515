// SPDX-License-Identifier: Apache-2.0
#include "base/child_reaper.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/spawn.h"

namespace vortex::base {
namespace {

pid_t ForkExit(int code) {
  return ForkHelper({}, [code] { return code; }).value();
}

TEST(ChildReaperTest, TellsTheExitOfAnExpectedChild) {
  EventLoop loop;
  ChildReaper reaper(&loop);
  ChildExit seen;
  reaper.Expect(ForkExit(7), [&](ChildExit exit) {
    seen = exit;
    loop.Stop();
  });
  loop.Run();
  EXPECT_EQ(seen.Code(), 7U);
  EXPECT_GT(seen.unix_ns, 0);
}

TEST(ChildReaperTest, AnExitBeforeItsPidIsKnownIsParkedWhileHeld) {
  EventLoop loop;
  ChildReaper reaper(&loop);
  const ChildReaper::Hold hold(&reaper);
  const pid_t early = ForkExit(3);
  const pid_t marker = ForkExit(0);
  // When the later child has been told, the earlier one is reaped, and parked.
  bool marked = false;
  reaper.Expect(marker, [&](ChildExit) { marked = true; });
  while (!marked) loop.Turn(1000);
  while (::kill(early, 0) == 0) loop.Turn(10);
  unsigned code = 0;
  reaper.Expect(early, [&](ChildExit exit) { code = exit.Code(); });
  loop.Turn(0);
  EXPECT_EQ(code, 3U);
}

TEST(ChildReaperTest, ADeathBySignalIs128AndItsNumber) {
  EventLoop loop;
  ChildReaper reaper(&loop);
  const pid_t pid = ForkHelper({}, [] {
                      ::pause();
                      return 0;
                    }).value();
  unsigned code = 0;
  reaper.Expect(pid, [&](ChildExit exit) {
    code = exit.Code();
    loop.Stop();
  });
  ::kill(pid, SIGKILL);
  loop.Run();
  EXPECT_EQ(code, 137U);
}

}  // namespace
}  // namespace vortex::base
