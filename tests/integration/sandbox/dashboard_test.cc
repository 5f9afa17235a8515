// SPDX-License-Identifier: Apache-2.0
// The dashboard of deploy/grafana on the numbers of real runs: a process that runs plugins of every
// fate and serves its metrics, and a Prometheus that scrapes it and answers every panel
// (tests/dashboard_check.py). VORTEX_DRAW_DASHBOARD names a file to draw it into.
#include <arpa/inet.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"
#include "integration/sandbox/sandbox_fixture.h"
#include "sandbox/metrics.h"
#include "sandbox/metrics_exposer.h"

namespace vortex::testing {
namespace {

class Dashboard : public SandboxTest {
 protected:
  void TearDown() override {
    runner_.reset();
    if (!dir_.empty()) base::RemoveTree(dir_).IgnoreError();
    SandboxTest::TearDown();
  }

  void Go(const std::string& plugin, const std::string& payload,
          const policy::LimitRequest& limits = {}) {
    sandbox::RunRequest request;
    request.plugin = Plugin(plugin);
    request.payload = payload;
    request.limits = limits;
    runner_->Run(request).IgnoreError();
  }

  std::string dir_;
  std::unique_ptr<sandbox::SandboxRunner> runner_;
};

// A free port of loopback; taken again at once.
int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

TEST_F(Dashboard, EveryPanelHasDataOfRealRuns) {
  std::string dir = ::testing::TempDir() + "/vortex-dashboard-XXXXXX";
  dir_ = ::mkdtemp(dir.data());
  sandbox::EmbeddedOptions node = options();
  node.audit.directory = dir_ + "/log";
  node.metrics = std::make_shared<sandbox::Metrics>();
  auto runner = sandbox::CreateEmbeddedRunner(node);
  ASSERT_TRUE(runner.ok()) << runner.status();
  runner_ = *std::move(runner);
  const std::string target = "127.0.0.1:" + std::to_string(FreePort());
  const auto exposer = sandbox::MetricsExposer::Serve(target, *node.metrics);
  ASSERT_TRUE(exposer.ok()) << exposer.status();

  const std::string script =
      std::string(std::getenv("VORTEX_SOURCE_DIR")) + "/tests/dashboard_check.py";
  const char* picture = std::getenv("VORTEX_DRAW_DASHBOARD");
  std::vector<const char*> args = {"/usr/bin/python3", script.c_str(), "--target", target.c_str()};
  if (picture != nullptr) args.insert(args.end(), {"--draw", picture, "--scrapes", "60"});
  args.push_back(nullptr);
  pid_t pid = 0;
  ASSERT_EQ(
      ::posix_spawn(&pid, args[0], nullptr, nullptr, const_cast<char**>(args.data()), environ), 0);
  int status = 0, rounds = 0;
  policy::LimitRequest soon, too_much;
  soon.budget = std::chrono::milliseconds(700);
  too_much.pids = 1 << 20;
  for (; ::waitpid(pid, &status, WNOHANG) == 0; ++rounds) {
    Go("echo", "1");
    Go("echo", R"("another")");
    Go("denial-probe", R"([["read", "/etc/passwd"], ["connect", "192.0.2.1", 80], ["ptrace"]])");
    Go("wants-network", "null");
    Go("echo", "1", too_much);
    if (rounds % 3 == 0) Go("printer", R"({"bytes": 2000000})");
    if (rounds % 3 == 1) Go("memory-hog", R"({"mib": 512})");
    if (rounds % 3 == 2) Go("sleeper", R"({"seconds": 60})", soon);
  }
  std::printf("%d rounds of runs\n", rounds);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "prometheus is not installed";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "what is wrong is printed above";
}

}  // namespace
}  // namespace vortex::testing
