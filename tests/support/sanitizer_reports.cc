// SPDX-License-Identifier: Apache-2.0
#include "support/sanitizer_reports.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/files.h"

namespace vortex::testing {
namespace {

std::string Prefix() { return "/tmp/vortex-test-asan-" + std::to_string(::getpid()); }

}  // namespace

void CollectSanitizerReports() { ::setenv("ASAN_OPTIONS", ("log_path=" + Prefix()).c_str(), 1); }

std::string TakeSanitizerReports() {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator("/tmp")) {
    const std::string path = entry.path().string();
    if (!path.starts_with(Prefix() + ".")) continue;
    text += base::ReadFile(path, 1 << 20).value_or("a report that cannot be read: " + path);
    std::filesystem::remove(path);
  }
  return text;
}

}  // namespace vortex::testing
