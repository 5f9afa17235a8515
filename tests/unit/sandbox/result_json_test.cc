// SPDX-License-Identifier: Apache-2.0
// result.json is the document of a result in which nothing is empty. The Python package's test
// reads it (python/tests/test_result.py), so that a field cannot be added here only.
// VORTEX_UPDATE_GOLDEN=1 writes it anew.
#include "sandbox/result_json.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace vortex::sandbox {
namespace {

using std::chrono::microseconds;

SandboxResult Everything() {
  SandboxResult out;
  out.run_id = "run-1";
  out.plugin_id = "word-count";
  out.plugin_version = "1.2.3";
  out.runtime_class = "runc";
  out.termination = {.cause = Cause::kPluginError,
                     .exit_code = 1,
                     .signal = 9,
                     .limit = "memory",
                     .message = "it failed",
                     .evidence = {{.fact = "exit=1", .witness = "init"}}};
  out.output = R"({"words":3})";
  out.failure = {.kind = "exception",
                 .type = "OSError",
                 .message = "no \xff",
                 .traceback = "Traceback",
                 .errno_value = 2,
                 .filename = "/x"};
  out.stdout_stream = {"text", 4, false, true, "sha256:1"};
  out.stderr_stream = {"\xff", 5, true, false, "sha256:2"};
  out.limits = {{.name = "memory_bytes", .requested = 1, .effective = 2, .readback = 3, .used = 4}};
  out.controls = {{.name = "seccomp", .requested = 1, .effective = 1, .readback = "2"}};
  out.usage = {.cpu_usec = 1,
               .memory_peak_bytes = 2,
               .pids_peak = 3,
               .throttled_usec = 4,
               .throttled_periods = 5,
               .wall_usec = 6};
  out.denials = {{.control = "network",
                  .action = "connect",
                  .target = "192.0.2.1:80",
                  .rule = "isolation.network-namespace",
                  .witness = "kernel",
                  .count = 2,
                  .first_unix_ns = 1,
                  .last_unix_ns = 2,
                  .errno_value = 101,
                  .allowed_by = "an allow entry"}};
  out.egress = {.linked = true,
                .connections = 1,
                .hosts = {{.host = "example.com",
                           .port = 443,
                           .connections = 1,
                           .failures = 2,
                           .bytes_out = 3,
                           .bytes_in = 4}},
                .problem = "the proxy ended"};
  out.observation.observers = {{.name = "network",
                                .witness = "kernel",
                                .active = true,
                                .why = "why not",
                                .dropped = 1,
                                .complete = true}};
  out.denial_error = {.control = "network",
                      .action = "connect",
                      .target = "192.0.2.1:80",
                      .rule = "isolation.network-namespace",
                      .witness = "kernel",
                      .allowed_by = "an allow entry",
                      .message = "it failed of that"};
  out.rules = {{.rule = "limits.memory",
                .outcome = "256m",
                .detail = "default 256m",
                .position = "policy.yaml:14"}};
  out.policy_digest = "sha256:3";
  out.timings = {{.name = "create", .duration = microseconds(7)}};
  out.total = microseconds(8);
  out.bundle_digest = "sha256:4";
  out.image = "vortex.local/python:test";
  out.image_digest = "sha256:5";
  out.spec_digest = "sha256:6";
  out.leftovers = {"mount /x"};
  out.audit = {.seq = 1, .hash = "sha256:7", .records_lost = 2, .error = "no space"};
  return out;
}

TEST(ResultJsonTest, TheDocumentIsWhatTheFileShows) {
  const char* source = std::getenv("VORTEX_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  const std::string path = std::string(source) + "/tests/unit/sandbox/result.json";
  const std::string text = ResultToJson(Everything());
  const auto json = nlohmann::ordered_json::parse(text);
  const std::string made = json.dump(2) + "\n";
  if (std::getenv("VORTEX_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << made;
  std::ifstream file(path);
  std::stringstream shown;
  shown << file.rdbuf();
  EXPECT_EQ(made, shown.str()) << "VORTEX_UPDATE_GOLDEN=1 writes " << path << " anew";
}

TEST(ResultJsonTest, WhatThereIsNotIsNull) {
  const auto json = nlohmann::json::parse(ResultToJson({}));
  for (const char* name : {"failure", "egress", "denial_error", "audit", "output"})
    EXPECT_TRUE(json.at(name).is_null()) << name;
  EXPECT_TRUE(json.at("termination").at("exit_code").is_null());
}

TEST(ResultJsonTest, EveryDigitOfTheReturnValueStays) {
  SandboxResult result;
  result.output = "[123456789012345678901234567890,1e999]";
  EXPECT_THAT(ResultToJson(result),
              ::testing::EndsWith(R"("output":[123456789012345678901234567890,1e999]})"));
}

}  // namespace
}  // namespace vortex::sandbox
