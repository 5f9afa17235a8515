// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "support/private_containerd.h"
#include "support/status_matchers.h"

namespace vortex::client {

using ::testing::HasSubstr;
using vortex::testing::IsOk;
using vortex::testing::PrivateContainerd;
using vortex::testing::StatusIs;

// One private containerd for all tests of a suite, one client and one container namespace name
// space for each test. Everything is removed with the containerd.
class ClientTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;

  PrivateContainerd& containerd() { return *containerd_; }
  // A second client, of a namespace of the caller's choice.
  std::shared_ptr<Client> Connect(const std::string& containerd_namespace);

  // A container that runs `payload args…`; its name is unique among all test programs.
  std::string MakeContainer(const std::vector<std::string>& args);
  // What to give CreateTaskRequest.rootfs: the payload's directory, bound read-only.
  static std::vector<Mount> Rootfs();
  // MakeContainer and Tasks::Create.
  std::string MakeTask(const std::vector<std::string>& args);
  // MakeTask, StartWait and Start.
  std::string StartTask(const std::vector<std::string>& args);
  static std::string ProcessJson(const std::vector<std::string>& args);

  // For calls that make content or snapshots: under the test's lease, as a collection may run at
  // any time.
  CallOptions Leased() const { return {.timeout = kLong, .lease = lease_}; }

  static constexpr std::chrono::seconds kLong{30};
  static std::unique_ptr<PrivateContainerd> containerd_;
  std::shared_ptr<Client> client_;
  std::string namespace_;
  std::string lease_;
};

}  // namespace vortex::client
