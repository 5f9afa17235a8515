// SPDX-License-Identifier: Apache-2.0
// Whoever dies in the middle: the caller gets the truth, and nothing is left once it is reconciled.
#include <signal.h>

#include <thread>

#include "base/cancellation.h"
#include "base/status.h"
#include "integration/sandbox/sandbox_fixture.h"
#include "integration/sandbox/vortexctl.h"
#include "sandbox/cgroup.h"
#include "sandbox/run_dir.h"

namespace vortex::testing {
namespace {

using sandbox::Cause;
using sandbox::SandboxResult;
using std::chrono::milliseconds;

class Faults : public SandboxTest {
 protected:
  // Runs `plugin` and calls `when_running` once its task has been started.
  SandboxResult RunAnd(const std::string& plugin, const nlohmann::json& payload,
                       milliseconds budget, std::function<void()> when_running,
                       base::Cancellation* cancel = nullptr) {
    sandbox::RunRequest request;
    request.plugin = Plugin(plugin);
    request.payload = payload.dump();
    request.limits.budget = budget;
    request.cancel = cancel;
    request.on_phase = [&](std::string_view phase) {
      if (phase == "run") when_running();
    };
    auto result = runner().Run(request);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : SandboxResult{};
  }

  // Waits until some run is listed as running: started by another process, whose steps we do not
  // see.
  void AwaitRunning() {
    for (int i = 0; i < 200; ++i) {
      const Ended ps = RunVortexctl(options(), {"ps"});
      if (ps.out.find(" running ") != std::string::npos) return;
    }
    FAIL() << "no run began";
  }

  void CollectAndExpectClean() {
    const Ended gc = RunVortexctl(options(), {"gc"});
    EXPECT_EQ(gc.exit_code, 0) << gc.out << gc.err;
  }
};

TEST_F(Faults, ContainerdKilledInTheMiddleIsSandboxLost) {
  const SandboxResult result =
      RunAnd("sleeper", {{"seconds", 60}}, milliseconds(30'000), [] { containerd().Kill9(); });
  EXPECT_EQ(result.termination.cause, Cause::kSandboxLost) << Describe(result);
  EXPECT_FALSE(result.leftovers.empty());
  ASSERT_TRUE(containerd().Restart().ok()) << containerd().Log();
  CollectAndExpectClean();
}

TEST_F(Faults, ContainerdRestartedInTheMiddleChangesNothing) {
  const SandboxResult result = RunAnd("cpu-spin", {{"seconds", 5}}, milliseconds(20'000), [] {
    containerd().Kill9();
    ASSERT_TRUE(containerd().Restart().ok()) << containerd().Log();
  });
  EXPECT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
  EXPECT_TRUE(result.leftovers.empty());
}

TEST_F(Faults, ContainerdThatHangsCostsTheBudgetAndNoMore) {
  containerd().Freeze();
  sandbox::RunRequest request{.plugin = Plugin("echo")};
  request.limits.budget = milliseconds(1000);
  const auto start = std::chrono::steady_clock::now();
  const auto result = runner().Run(request);
  const auto took = std::chrono::steady_clock::now() - start;
  containerd().Thaw();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->termination.cause == Cause::kDeadline ||
              result->termination.cause == Cause::kSandboxUnavailable)
      << Describe(*result);
  // The budget, and one call of the clean-up that gets no answer either.
  EXPECT_LT(took, std::chrono::seconds(10));
  CollectAndExpectClean();
}

TEST_F(Faults, TheCallerCancels) {
  base::Cancellation cancel;
  const SandboxResult result = RunAnd(
      "sleeper", {{"seconds", 60}}, milliseconds(30'000), [&] { cancel.Cancel(); }, &cancel);
  EXPECT_EQ(result.termination.cause, Cause::kCancelled) << Describe(result);
}

TEST_F(Faults, TheCallerCancelsBeforeItBegan) {
  base::Cancellation cancel;
  cancel.Cancel();
  const SandboxResult result = RunAnd(
      "echo", 1, milliseconds(10'000), [] {}, &cancel);
  EXPECT_EQ(result.termination.cause, Cause::kCancelled) << Describe(result);
}

TEST_F(Faults, AKilledClientIsCollected) {
  Vortexctl client(options(),
                   {"run", "--plugin", Plugin("sleeper"), "--payload", R"({"seconds":60})"});
  AwaitRunning();
  client.Signal(SIGKILL);
  EXPECT_EQ(client.Wait().exit_code, 128 + SIGKILL);
  const Ended ps = RunVortexctl(options(), {"ps"});
  EXPECT_NE(ps.out.find(" gone"), std::string::npos) << ps.out;
  const Ended gc = RunVortexctl(options(), {"gc"});
  EXPECT_EQ(gc.exit_code, 0) << gc.out << gc.err;
  EXPECT_NE(gc.out.find("removed task, container"), std::string::npos) << gc.out;
  EXPECT_NE(RunVortexctl(options(), {"gc"}).out.find("nothing to collect"), std::string::npos);
}

TEST_F(Faults, AShimThatContainerdDoesNotFindIsNamed) {
  sandbox::EmbeddedOptions without = options();
  without.classes.rows[0].runtime_type = "io.containerd.nosuch.v2";
  const auto runner = sandbox::CreateEmbeddedRunner(without);
  ASSERT_TRUE(runner.ok());
  const auto result = (*runner)->Run({.plugin = Plugin("echo")});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->termination.cause, Cause::kSandboxUnavailable) << Describe(*result);
  EXPECT_NE(result->termination.message.find("containerd-shim-nosuch-v2"), std::string::npos)
      << result->termination.message;
}

TEST_F(Faults, AForeignShimLeavesNoReportAndTheCountersComeFromTheCgroup) {
  sandbox::EmbeddedOptions foreign = options();
  foreign.classes.rows[0].runtime_type = "io.containerd.runc.v2";
  const auto runner = sandbox::CreateEmbeddedRunner(foreign);
  ASSERT_TRUE(runner.ok());
  const auto result = (*runner)->Run({.plugin = Plugin("echo"), .payload = "7"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "7") << Describe(*result);
  EXPECT_GT(result->usage.cpu_usec.value_or(0), 0u);
  EXPECT_TRUE(result->controls.empty());
}

TEST_F(Faults, TheDeadlineHoldsWithClientAndContainerdDead) {
  const auto budget = milliseconds(2'500);
  const auto begin = std::chrono::steady_clock::now();
  Vortexctl client(options(), {"run", "--plugin", Plugin("sleeper"), "--payload",
                               R"({"seconds":60,"ignore_sigterm":true,"daemonise":true})",
                               "--budget", "2500ms"});
  AwaitRunning();
  const auto runs = sandbox::RunDir::List(options().state_dir);
  ASSERT_TRUE(runs.ok() && runs->size() == 1);
  const auto host = sandbox::CgroupHost::Detect();
  const sandbox::RunCgroup cgroup(*host, options().cgroup_parent + "/" + runs->front());
  ASSERT_FALSE(cgroup.Pids().empty());
  client.Signal(SIGKILL);
  client.Wait();
  containerd().Kill9();
  EXPECT_FALSE(cgroup.Pids().empty()) << "it died with its client";
  // The cgroup stays, empty: nobody is there to delete the task.
  while (!cgroup.Pids().empty() && std::chrono::steady_clock::now() - begin < 10 * budget)
    base::Pause(milliseconds(5), nullptr);
  const auto overrun =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin - budget);
  std::printf("overrun with client and containerd dead: %lld ms\n",
              static_cast<long long>(overrun.count()));
  EXPECT_GE(overrun.count(), 0);
  EXPECT_LE(overrun.count(), 1000);
  ASSERT_TRUE(containerd().Restart().ok());
  EXPECT_EQ(RunVortexctl(options(), {"gc"}).exit_code, 0);
}

TEST_F(Faults, TheNextRunCollectsWhatAKilledClientLeft) {
  Vortexctl client(options(),
                   {"run", "--plugin", Plugin("sleeper"), "--payload", R"({"seconds":60})"});
  AwaitRunning();
  client.Signal(SIGKILL);
  client.Wait();
  EXPECT_EQ(RunVortexctl(options(), {"run", "--plugin", Plugin("echo")}).exit_code, 0);
}

TEST_F(Faults, GcLeavesLiveRunsAlone) {
  Vortexctl client(options(),
                   {"run", "--plugin", Plugin("cpu-spin"), "--payload", R"({"seconds":3})"});
  AwaitRunning();
  EXPECT_NE(RunVortexctl(options(), {"gc"}).out.find("nothing to collect"), std::string::npos);
  EXPECT_EQ(client.Wait().exit_code, 0);
}

TEST_F(Faults, CtrlCAtAnyMomentLeavesNothing) {
  int interrupted = 0;
  for (int delay = 0; delay < 400; delay += 15) {
    Vortexctl client(options(),
                     {"run", "--plugin", Plugin("cpu-spin"), "--payload", R"({"seconds":0.1})"});
    if (!client.EndsWithin(milliseconds(delay))) client.Signal(SIGINT);
    ASSERT_TRUE(client.EndsWithin(milliseconds(20'000))) << "after " << delay << " ms";
    const Ended ended = client.Wait();
    // A signal before the handler is in place ends it by default; nothing exists yet then.
    EXPECT_TRUE(ended.exit_code == 0 || ended.exit_code == 128 + SIGINT)
        << ended.exit_code << " after " << delay << " ms: " << ended.err;
    interrupted += ended.exit_code == 128 + SIGINT ? 1 : 0;
    EXPECT_EQ(TakeCensus()["containers"], 0u) << "after " << delay << " ms";
  }
  std::printf("%d of 27 runs were interrupted\n", interrupted);
  EXPECT_GT(interrupted, 5);
}

TEST_F(Faults, TwoClientsAtOnceDoNotMeet) {
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 5; ++k) {
        const Ended ended =
            RunVortexctl(options(), {"run", "--plugin", Plugin("echo"), "--payload", "7"});
        if (ended.exit_code != 0 || ended.out != "7\n") {
          ++failed;
          ADD_FAILURE() << ended.exit_code << " " << ended.out << ended.err;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed.load(), 0);
}

TEST_F(Faults, ManyRunsOfOneProcessAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      const SandboxResult result = Run("echo", i);
      if (result.output != std::to_string(i)) {
        ++failed;
        ADD_FAILURE() << Describe(result);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed.load(), 0);
}

}  // namespace
}  // namespace vortex::testing
