// SPDX-License-Identifier: Apache-2.0
// Fields that the manifest and the policy file share. Each reads one value; errors are
// InvalidArgument with file, line, column and field.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/limits.h"
#include "policy/manifest.h"
#include "policy/yaml_reader.h"

namespace vortex::policy {

// Longest list of either file, unless it is said otherwise.
inline constexpr std::size_t kMaxList = 64;

absl::StatusOr<std::string> ReadId(const YamlField& field);
// "api.example.com" or "*.example.com": lower case, never an address, whatever a resolver would
// make of it ("127.1", "0x7f.1").
absl::StatusOr<std::string> ReadHost(const YamlField& field);
absl::StatusOr<int> ReadPort(const YamlField& field);
// {host: api.example.com, port: 443}
absl::StatusOr<NetworkRule> ReadNetworkRule(const YamlField& field);
absl::StatusOr<std::string> ReadCapability(const YamlField& field);
absl::StatusOr<std::string> ReadCdiName(const YamlField& field);
absl::StatusOr<LimitRequest> ReadLimits(const YamlField& field);
absl::StatusOr<bool> ReadBool(const YamlField& field);

// Each item by `read`.
template <typename Read>
auto ReadList(const YamlField& field, std::size_t max_items, Read read)
    -> absl::StatusOr<std::vector<typename decltype(read(field))::value_type>> {
  VX_ASSIGN_OR_RETURN(const auto items, field.List(max_items));
  std::vector<typename decltype(read(field))::value_type> out;
  for (const YamlField& item : items) {
    VX_ASSIGN_OR_RETURN(auto value, read(item));
    out.push_back(std::move(value));
  }
  return out;
}

// Whether every name that `asked` matches is matched by `pattern`. "*.example.com" matches what is
// below example.com, at any depth, and not example.com itself; "*" matches everything.
bool Covers(std::string_view pattern, std::string_view asked);

}  // namespace vortex::policy
