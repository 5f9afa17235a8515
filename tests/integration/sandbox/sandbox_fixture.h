// SPDX-License-Identifier: Apache-2.0
// One private containerd with the runtime image for a whole test program, a runner on it, and a
// census that proves that nothing is left.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "client/client.h"
#include "sandbox/embedded_runner.h"
#include "support/private_containerd.h"

namespace vortex::testing {

// How many of each thing that a run makes exist now.
using Census = std::map<std::string, std::size_t>;

class SandboxTest : public ::testing::Test {
 public:
  // For the whole program, by the global test environment.
  static void StartNode();
  static void StopNode();

  // One cell of the class matrix: what a case came to under this class. A class must behave as runc
  // does (`as_runc`), or class_differences.json has the case, with that outcome and the reason.
  static void Judge(const std::string& what, const std::string& outcome, bool as_runc);
  static void JudgeCause(const std::string& what, const sandbox::SandboxResult& result,
                         sandbox::Cause of_runc);

 protected:
  void SetUp() override;
  void TearDown() override;

  static std::string Plugin(const std::string& name);
  static const sandbox::EmbeddedOptions& options() { return options_; }
  // By VORTEX_TEST_CLASS: ctest runs the same program for each class.
  static oci::RuntimeClass ClassUnderTest();
  static PrivateContainerd& containerd() { return *containerd_; }
  static sandbox::SandboxRunner& runner() { return *runner_; }

  // Runs tests/plugins/<name>; the test fails when there is no result.
  sandbox::SandboxResult Run(const std::string& plugin, const nlohmann::json& payload = nullptr,
                             const policy::LimitRequest& limits = {});
  // The same for a run that must be ok: its return value.
  nlohmann::json Value(const std::string& plugin, const nlohmann::json& payload = nullptr);

  static Census TakeCensus();
  // For a test that leaves something on purpose and takes it away later.
  void ResetCensus() { before_ = TakeCensus(); }

 private:
  // Polls for 10 s at most.
  static bool AwaitCensus(const std::function<bool(const Census&)>& condition);
  static void UseCrunWrapper();

  static std::unique_ptr<PrivateContainerd> containerd_;
  static std::unique_ptr<sandbox::SandboxRunner> runner_;
  static sandbox::EmbeddedOptions options_;
  Census before_;
};

// The facts of a termination, for messages.
std::string Describe(const sandbox::SandboxResult& result);

}  // namespace vortex::testing
