// SPDX-License-Identifier: Apache-2.0
// Collects what is wrong with a policy file, so that one look tells everything.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "policy/policy.h"

namespace vortex::policy {

class Problems {
 public:
  explicit Problems(std::string_view file) : file_(file) {}

  // Keeps an error; its line is read from its message.
  void Add(const absl::Status& status);
  // "<file>:<line>: <message>".
  template <typename... Args>
  void AddAt(int line, fmt::format_string<Args...> format, Args&&... args) {
    AddText(line, fmt::format(format, std::forward<Args>(args)...));
  }
  // The value into `out`, or the error into the list.
  template <typename T>
  bool Take(absl::StatusOr<T> value, T& out) {
    if (!value.ok()) {
      Add(value.status());
      return false;
    }
    out = *std::move(value);
    return true;
  }

  std::string_view file() const { return file_; }
  bool empty() const { return list_.empty(); }
  // In the order of the file.
  std::vector<Problem> Sorted() &&;

 private:
  void AddText(int line, const std::string& message);

  std::string_view file_;
  std::vector<Problem> list_;
};

// The file's text into `out`; field by field.
void ReadPolicy(std::string_view text, Problems& problems, Policy& out);

// What no single field shows: duplicates, contradictions, entries that can never apply.
void CheckConsistency(const Policy& policy, Problems& problems);

// What is allowed and deserves a look.
void AddWarnings(const Policy& policy, std::chrono::sys_days today, Problems& problems);

}  // namespace vortex::policy
