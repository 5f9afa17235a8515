// SPDX-License-Identifier: Apache-2.0
// A log in a directory of its own, and its files as text.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "audit/head.h"
#include "audit/log.h"
#include "audit/verify.h"
#include "base/files.h"
#include "support/status_matchers.h"

namespace vortex::testing {

class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    std::string dir = ::testing::TempDir() + "/vortex-audit-XXXXXX";
    dir_ = ::mkdtemp(dir.data());
    options_.directory = dir_ + "/log";
    options_.fsync = audit::Fsync::kNever;
  }
  ~LogTest() override { base::RemoveTree(dir_).IgnoreError(); }

  static audit::Event Numbered(int number) {
    return {"start", "\"number\":" + std::to_string(number)};
  }
  // Lines in one log; each call opens it anew, as another process does.
  void WriteLines(int count, int first = 0) {
    audit::Log log(options_);
    for (int i = 0; i < count; ++i)
      ASSERT_THAT(log.Write({Numbered(first + i)}, audit::Log::kBeginning), IsOk());
  }

  std::string Path(const std::string& name) const { return options_.directory + "/" + name; }
  std::string Read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(Path(name)).rdbuf();
    return out.str();
  }
  std::vector<std::string> Lines(const std::string& name) const {
    std::vector<std::string> out;
    std::istringstream in(Read(name));
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }
  void Overwrite(const std::string& name, const std::vector<std::string>& lines) const {
    std::ofstream out(Path(name), std::ios::trunc);
    for (const std::string& line : lines) out << line << "\n";
  }
  std::vector<std::string> Sealed() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (audit::ParseSegmentName(entry.path().filename().string()))
        out.push_back(entry.path().filename());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  audit::Verified Verify(const audit::VerifyOptions& options = {}) const {
    auto verified = audit::Verify(options_.directory, options);
    EXPECT_THAT(verified, IsOk());
    return verified.ok() ? *verified : audit::Verified();
  }
  // "problem edited active.jsonl:3", in the order found.
  static std::vector<std::string> Findings(const audit::Verified& verified) {
    std::vector<std::string> out;
    for (const audit::Finding& finding : verified.findings) {
      out.push_back((finding.problem ? "problem " : "notice ") + finding.kind + " " + finding.file +
                    ":" + std::to_string(finding.line));
    }
    return out;
  }

  std::string dir_;
  audit::AuditOptions options_;
};

}  // namespace vortex::testing
