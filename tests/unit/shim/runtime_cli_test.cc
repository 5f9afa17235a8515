// SPDX-License-Identifier: Apache-2.0
#include "shim/runtime_cli.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "shim/files.h"

namespace vortex::shim {
namespace {

// A bundle with a script for a runtime.
class RuntimeCliTest : public ::testing::Test {
 protected:
  RuntimeCliTest() : reaper_(&loop_) {
    char pattern[] = "/tmp/vortex-cli-XXXXXX";
    dir_ = ::mkdtemp(pattern);
  }
  ~RuntimeCliTest() override {
    for (const char* name : {"/runc", "/log.json"}) ::unlink((dir_ + name).c_str());
    ::rmdir(dir_.c_str());
  }

  Status Run(const std::string& script, std::string* output = nullptr,
             const std::string& input = "",
             const std::function<void(RuntimeCli*)>& meanwhile = nullptr) {
    EXPECT_EQ(WriteFileAtomic(dir_ + "/runc", "#!/bin/sh\n" + script + "\n", 0755), 0);
    RuntimeOptions options;
    options.binary_name = dir_ + "/runc";
    options.root = "/root-of-test";
    RuntimeCli cli(&reaper_, dir_, "ns", options, {});
    Status result;
    bool done = false;
    base::Detach(Call(&cli, input, output, &result, &done));
    if (meanwhile) meanwhile(&cli);
    while (!done) loop_.Turn(1000);
    return result;
  }

  static base::Task<void> Call(RuntimeCli* cli, std::string input, std::string* output,
                               Status* result, bool* done) {
    RuntimeCall call;
    call.verb = "state";
    call.args = {"c1"};
    call.input = std::move(input);
    *result = co_await cli->Run(std::move(call), output);
    *done = true;
  }

  base::EventLoop loop_;
  base::ChildReaper reaper_;
  std::string dir_;
};

TEST_F(RuntimeCliTest, TheWordsAndTheDirectory) {
  std::string output;
  ASSERT_TRUE(Run("echo \"$@\"; pwd; cat", &output, "{}").ok());
  EXPECT_EQ(output, "--root /root-of-test/ns --log " + dir_ +
                        "/log.json --log-format json state c1\n" + dir_ + "\n{}");
}

TEST_F(RuntimeCliTest, TheLastErrorOfTheLogIsTheMessage) {
  const std::string log =
      R"(echo '{"level":"warning","msg":"w"}' >> $4; echo '{"msg":"first","level":"error"}' >> $4;)"
      R"(echo '{"level":"error","msg":"the \"cause\""}' >> $4; echo noise >> $4; exit 1)";
  EXPECT_EQ(Run(log).message, "OCI runtime state failed: the \"cause\"");
  // And not that of an earlier call.
  EXPECT_EQ(Run("echo from stderr >&2; exit 1").message, "OCI runtime state failed: from stderr");
}

TEST_F(RuntimeCliTest, ASilentFailureIsNamed) {
  EXPECT_NE(Run("exit 3").message.find("status 3"), std::string::npos);
}

TEST_F(RuntimeCliTest, ARuntimeThatIsKilledHasNotSucceeded) {
  EXPECT_NE(Run("kill -9 $$").message.find("killed by signal 9"), std::string::npos);
}

TEST_F(RuntimeCliTest, AbortEndsACallThatHangs) {
  const Status status = Run("exec sleep 1000", nullptr, "", [](RuntimeCli* cli) { cli->Abort(); });
  EXPECT_NE(status.message.find("killed by signal 9"), std::string::npos);
}

TEST_F(RuntimeCliTest, GarbageWithoutEndIsBounded) {
  std::string output;
  const Status status = Run("exec head -c 10000000 /dev/zero", &output);
  EXPECT_LE(output.size(), 64U << 10);
  EXPECT_FALSE(status.ok());  // its write failed at the seal
}

TEST_F(RuntimeCliTest, AMissingRuntimeIsNamedTheWayContainerdsTestsLookForIt) {
  RuntimeOptions options;
  options.binary_name = "no-runc";
  RuntimeCli cli(&reaper_, dir_, "ns", options, {});
  Status result;
  bool done = false;
  base::Detach(Call(&cli, "", nullptr, &result, &done));
  ASSERT_TRUE(done);
  EXPECT_EQ(result.message,
            "OCI runtime state failed: exec: \"no-runc\": executable file not found in $PATH");
}

}  // namespace
}  // namespace vortex::shim
