// SPDX-License-Identifier: Apache-2.0
// The values of the policy file, one function a kind; what they are part of is policy_reader.cc's.
// Errors are InvalidArgument with file, line, column and field. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/job.h"
#include "oci/runtime_class.h"
#include "policy/limits.h"
#include "policy/manifest.h"
#include "policy/text.h"
#include "policy/yaml_reader.h"

namespace vortex::policy {

// At least one, each once.
absl::StatusOr<std::vector<oci::RuntimeClass>> ReadClasses(const YamlField& field);
absl::StatusOr<std::string> ReadDigest(const YamlField& field);
absl::StatusOr<std::string> ReadReason(const YamlField& field);
// "never" is nullopt.
absl::StatusOr<std::optional<std::chrono::sys_days>> ReadExpiry(const YamlField& field);
absl::StatusOr<std::string> ReadAbsolutePath(const YamlField& field);
// Refuses those that would be void inside a sandbox.
absl::StatusOr<std::string> ReadUsefulCapability(const YamlField& field);
absl::StatusOr<oci::MountGrant> ReadMount(const YamlField& field);
absl::StatusOr<std::string> ReadRange(const YamlField& field);
// A host as ReadHost has it, or "*".
absl::StatusOr<std::string> ReadDeniedHost(const YamlField& field);
// Limits within what is built in: a policy moves its bounds inside of these.
absl::StatusOr<LimitRequest> ReadBoundedLimits(const YamlField& field);
// 64k to 1g, and 1m to 24h.
absl::StatusOr<std::uint64_t> ReadSegmentBytes(const YamlField& field);
absl::StatusOr<std::chrono::seconds> ReadSegmentAge(const YamlField& field);

// One of these words.
template <typename T>
absl::StatusOr<T> ReadWord(const YamlField& field,
                           std::initializer_list<std::pair<const char*, T>> words) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Text());
  std::string all;
  for (const auto& [word, value] : words) {
    if (text == word) return value;
    all += (all.empty() ? "" : ", ") + std::string(word);
  }
  return field.Bad("{} is not one of {}", Quoted(text), all);
}

}  // namespace vortex::policy
