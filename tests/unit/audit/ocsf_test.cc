// SPDX-License-Identifier: Apache-2.0
#include "audit/ocsf.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "audit/line.h"
#include "support/status_matchers.h"

namespace vortex::testing {
namespace {

using nlohmann::json;

json Export(const std::string& type, const std::string& fields) {
  const audit::WallTime time(std::chrono::nanoseconds(1'764'000'000'123'456'789));
  const auto event = audit::ToOcsf(audit::MakeLine(7, audit::kNoHash, time, {type, fields}), "1.2");
  EXPECT_THAT(event, IsOk());
  return event.ok() ? json::parse(*event) : json();
}

TEST(Ocsf, EveryClassHasItsNumbers) {
  const struct {
    const char* type;
    const char* fields;
    int class_uid, activity;
  } rows[] = {
      {"decision", R"("decision":"denied","reason":"no")", 6003, 99},
      {"start", R"("run_id":"run-1")", 1007, 1},
      {"end", R"("cause":"oom")", 1007, 2},
      {"denial", R"("control":"network","action":"connect","target":"192.0.2.1:80")", 4001, 5},
      {"denial", R"("control":"network","action":"resolve","target":"example.com")", 4003, 1},
      {"denial", R"("control":"filesystem","action":"open","target":"/etc/shadow")", 1001, 14},
      {"denial", R"("control":"filesystem","action":"write","target":"/x")", 1001, 3},
      {"denial", R"("control":"syscall","action":"call","target":"ptrace")", 1003, 4},
      {"denial", R"("control":"capability","action":"use","target":"CAP_SYS_ADMIN")", 1003, 4},
      {"denial", R"("control":"process","action":"fork")", 1007, 1},
      {"denial", R"("control":"device","action":"open","target":"/dev/kvm")", 2004, 1},
      {"log_open", R"("segment":1)", 6002, 3},
      {"segment_seal", R"("segment":1)", 6002, 4},
      {"recovery", R"("reason":"torn_line")", 6002, 99},
  };
  for (const auto& row : rows) {
    const json event = Export(row.type, row.fields);
    EXPECT_EQ(event["class_uid"], row.class_uid) << event;
    EXPECT_EQ(event["activity_id"], row.activity) << event;
    EXPECT_EQ(event["type_uid"], row.class_uid * 100 + row.activity);
    EXPECT_EQ(event["category_uid"], row.class_uid / 1000);
    EXPECT_EQ(event["time"], 1'764'000'000'123);
    EXPECT_TRUE(event["severity_id"].is_number()) << event;
    EXPECT_EQ(event["metadata"]["sequence"], 7);
    EXPECT_EQ(event["unmapped"]["type"], row.type);
  }
}

TEST(Ocsf, ADenialIsBlocked) {
  const json event = Export(
      "denial",
      R"("run_id":"run-1","plugin":{"id":"p"},"runtime_class":"runc","control":"network","action":"connect","target":"192.0.2.1:80","rule":"isolation.network-namespace","count":3)");
  EXPECT_EQ(event["action_id"], 2);
  EXPECT_EQ(event["disposition_id"], 2);
  EXPECT_EQ(event["count"], 3);
  EXPECT_EQ(event["dst_endpoint"], json({{"ip", "192.0.2.1"}, {"port", 80}}));
  EXPECT_EQ(event["actor"]["process"]["container"]["uid"], "run-1");
}

TEST(Ocsf, WhatIsNoLineIsAnError) {
  EXPECT_THAT(audit::ToOcsf("{}", "1"), StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
  const std::string wrong =
      audit::MakeLine(1, audit::kNoHash, {}, {"decision", R"("actor":{"uid":[]})"});
  EXPECT_THAT(audit::ToOcsf(wrong, "1"),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
}

}  // namespace
}  // namespace vortex::testing
