// SPDX-License-Identifier: Apache-2.0
#include "shim/readback.h"

#include <gtest/gtest.h>

namespace vortex::shim {
namespace {

TEST(ReadbackTest, FieldsOfProcStatus) {
  const char text[] = "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\nNoNewPrivs:\t1\n";
  EXPECT_EQ(StatusField(text, "Seccomp"), "2");
  EXPECT_EQ(StatusField(text, "NoNewPrivs"), "1");
  EXPECT_EQ(StatusField(text, "CapBnd"), "");
}

TEST(ReadbackTest, LinksOfANetworkNamespace) {
  const char text[] =
      "Inter-|   Receive                |  Transmit\n face |bytes    packets|bytes\n    lo:       "
      "0       0\n  eth0: 1 2\n";
  EXPECT_EQ(LinkNames(text), (std::vector<std::string>{"lo", "eth0"}));
}

// The control that a job asks for and does not get, by name.
TEST(ReadbackTest, AMissingLimitStopsOurJobsAndNobodyElses) {
  base::EventLoop loop;
  base::ChildReaper reaper(&loop);
  Container container(&loop, "c1");
  container.cli = std::make_unique<RuntimeCli>(&reaper, "/bundle", "ns", RuntimeOptions(),
                                               std::vector<std::string>());
  container.config.memory_limit = 1 << 20;  // and no cgroup at all
  EXPECT_TRUE(CheckInForce(&container).ok());
  container.config.annotations["io.vortex.run-id"] = "r1";
  const Status status = CheckInForce(&container);
  EXPECT_EQ(status.code, Code::kFailedPrecondition);
  EXPECT_NE(status.message.find("sandbox_unavailable: control memory_bytes"), std::string::npos)
      << status.message;
}

}  // namespace
}  // namespace vortex::shim
