// SPDX-License-Identifier: Apache-2.0
#include "oci/class_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "unit/oci/jobs.h"

namespace vortex::oci {
namespace {

using ::testing::HasSubstr;

JobConfig WithDevice(RuntimeClass runtime_class) {
  JobConfig job = DefaultJob(runtime_class);
  job.devices = {kForATest, {{.path = "/dev/nvidia0", .major = 195, .minor = 0}}};
  return job;
}

TEST(ClassSupportTest, EveryClassHasItsRow) {
  for (RuntimeClass runtime_class :
       {RuntimeClass::kRunc, RuntimeClass::kCrun, RuntimeClass::kGvisor, RuntimeClass::kKata}) {
    EXPECT_EQ(SupportOf(runtime_class).runtime_class, runtime_class);
  }
}

TEST(ClassSupportTest, DevicesAreRefusedByNameWhereTheyCannotBe) {
  for (RuntimeClass runtime_class : {RuntimeClass::kGvisor, RuntimeClass::kKata}) {
    const absl::Status status = BuildSpec(WithDevice(runtime_class)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(Message(status)),
                HasSubstr("runtime class " + std::string(Name(runtime_class)) +
                          " cannot honour devices: /dev/nvidia0: "));
  }
  EXPECT_TRUE(BuildSpec(WithDevice(RuntimeClass::kRunc)).ok());
  EXPECT_TRUE(BuildSpec(WithDevice(RuntimeClass::kCrun)).ok());
}

TEST(ClassSupportTest, CapabilitiesAreRefusedUnderGvisor) {
  JobConfig job = DefaultJob(RuntimeClass::kGvisor);
  job.capabilities = {kForATest, {"CAP_NET_BIND_SERVICE"}};
  const absl::Status status = BuildSpec(job).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(status)),
              HasSubstr("runtime class gvisor cannot honour capabilities: CAP_NET_BIND_SERVICE: "));
}

TEST(ClassSupportTest, NetworkIsRefusedUnderKata) {
  for (RuntimeClass runtime_class :
       {RuntimeClass::kRunc, RuntimeClass::kCrun, RuntimeClass::kGvisor, RuntimeClass::kKata}) {
    JobConfig job = DefaultJob(runtime_class);
    job.network_namespace_path = {kForATest, "/run/vortex/runs/run-1/netns"};
    const absl::Status status = BuildSpec(job).status();
    if (runtime_class != RuntimeClass::kKata) {
      EXPECT_TRUE(status.ok()) << status;
      continue;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(Message(status)),
                HasSubstr("runtime class kata cannot honour network: "));
  }
}

TEST(ClassSupportTest, CapabilityThatIsVoidInASandboxIsRefused) {
  for (const char* name :
       {"CAP_SYS_ADMIN", "CAP_SYS_TIME", "CAP_SYS_MODULE", "CAP_SYS_PTRACE", "CAP_NET_ADMIN"}) {
    JobConfig job = DefaultJob();
    job.capabilities = {kForATest, {name}};
    const absl::Status status = BuildSpec(job).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << name;
    EXPECT_THAT(std::string(Message(status)), HasSubstr(name));
  }
}

}  // namespace
}  // namespace vortex::oci
