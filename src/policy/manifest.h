// SPDX-License-Identifier: Apache-2.0
// vortex-plugin.yaml, parsed strictly; docs/user/manifest.md is its reference.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/limits.h"

namespace vortex::policy {

inline constexpr char kManifestName[] = "vortex-plugin.yaml";
inline constexpr std::size_t kMaxManifestBytes = 64 * 1024;

struct Entrypoint {
  std::string module;    // "word_count" or "package.module"
  std::string function;  // "run"
};

struct NetworkRule {
  std::string host;  // "api.example.com" or "*.example.com"
  int port = 0;
  // Private ranges that the name may resolve to, "10.1.0.0/16"; only an operator names any.
  std::vector<std::string> address_ranges = {};
};

struct Manifest {
  std::string id;
  std::string version;
  std::string description;
  std::optional<Entrypoint> entrypoint;  // exactly one of these two
  std::vector<std::string> command;
  LimitRequest limits;
  std::vector<NetworkRule> network;
  std::vector<std::string> capabilities;
  std::vector<std::string> gpus;
};

// `file_name` is for messages: "vortex-plugin.yaml:4:13: limits.memory: "64q" is not a size; …".
// Untrusted input: at most kMaxManifestBytes, bounded depth, no anchors, aliases or tags. Every
// error is InvalidArgument.
absl::StatusOr<Manifest> ParseManifest(std::string_view yaml,
                                       std::string_view file_name = kManifestName);

}  // namespace vortex::policy
