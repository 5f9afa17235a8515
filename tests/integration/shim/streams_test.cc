// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <time.h>

#include "integration/shim/ctr_fixture.h"
#include "shim/files.h"

namespace vortex::shim::testing {
namespace {

using ::testing::HasSubstr;
using StreamsTest = CtrTest;

TEST_F(StreamsTest, NotAByteIsLost) {
  EXPECT_EQ(Shell(RunCommand("--rm", "a", "print 300000000") + " | wc -c").text, "300000000\n");
  EXPECT_EQ(
      Shell("head -c 5000000 /dev/urandom > " + Dir() + "/in; " + RunCommand("--rm", "b", "cat") +
            " < " + Dir() + "/in | cmp - " + Dir() + "/in && echo same")
          .text,
      "same\n");
}

TEST_F(StreamsTest, ThroughAnExecNeither) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  EXPECT_EQ(Shell(CtrCommand("task exec --exec-id e1 a /work print 50000000") + " | wc -c").text,
            "50000000\n");
  EXPECT_EQ(Shell("head -c 3000000 /dev/urandom > " + Dir() + "/in; " +
                  CtrCommand("task exec --exec-id e2 a /work cat") + " < " + Dir() +
                  "/in | cmp - " + Dir() + "/in && echo same")
                .text,
            "same\n");
  Ctr("task rm -f a");
}

TEST_F(StreamsTest, ADaemonThatKeepsStdoutDoesNotHoldItsExec) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  const int64_t before = NowUnixNs();
  EXPECT_EQ(Ctr("task exec --exec-id e1 a /work daemon 1000").text, "left\n");
  EXPECT_LT(NowUnixNs() - before, 15'000'000'000);
  Ctr("task rm -f a");
}

TEST_F(StreamsTest, Terminals) {
  EXPECT_THAT(ShellOnTerminal(RunCommand("--rm -t", "a", "tty")).text, HasSubstr("tty 1"));
  ASSERT_EQ(Run("-d", "b", "sleep 1000").code, 0);
  EXPECT_THAT(ShellOnTerminal(CtrCommand("task exec -t --exec-id e1 b /work tty")).text,
              HasSubstr("tty 1"));
  const int shim = ShimOf("b");
  EXPECT_EQ(Shell("ls -l /proc/" + std::to_string(shim) + "/fd | grep -c ptmx").text, "0\n")
      << "a terminal is left open";
  Ctr("task rm -f b");
}

TEST_F(StreamsTest, FilesAndLoggers) {
  const std::string log = Dir() + "/sub/out.log";
  EXPECT_EQ(Run("--rm --log-uri file://" + log, "a", "both").code, 0);
  EXPECT_EQ(ReadFile(log, 4096), "to stdout\nto stderr\n");
  const std::string logger = Dir() + "/logger";
  ASSERT_EQ(WriteFileAtomic(logger,
                            "#!/bin/sh\nexec 6>>$2\necho >&5; exec 5>&-\n{ cat <&3; cat <&4; echo "
                            "of $CONTAINER_ID; } >&6\n",
                            0755),
            0);
  EXPECT_EQ(
      Run("--rm --log-uri 'binary://" + logger + "?to=" + Dir() + "/logged'", "b", "both").code, 0);
  EXPECT_TRUE(Until([&] {
    return ReadFile(Dir() + "/logged", 4096) == "to stdout\nto stderr\nof b\n";
  })) << ReadFile(Dir() + "/logged", 4096).value_or("nothing");
}

TEST_F(StreamsTest, AReaderThatGoesAwayDoesNotKillTheContainer) {
  // ctr's own end is closed with it; the container then blocks, and lives.
  // Its 10 bytes show that the container runs; ctr forwards every signal that it can.
  Shell("mkfifo " + Dir() + "/pipe; " + RunCommand("", "a", "print 100000000000") + " > " + Dir() +
        "/pipe & c=$!; head -c 10 " + Dir() + "/pipe; pkill -KILL -P $c; wait $c");
  // On a busy machine the process may print before the shim has seen that it was let go.
  EXPECT_TRUE(Until([this] { return StateOf("a") == "RUNNING"; })) << StateOf("a");
  Ctr("task rm -f a");
}

}  // namespace
}  // namespace vortex::shim::testing
