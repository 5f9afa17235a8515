// SPDX-License-Identifier: Apache-2.0
// Strict reading of small YAML documents on top of yaml-cpp: every error carries line, column and field path.
#pragma once

#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/status.h"

namespace vortex::policy {

// A node and where it stands.
class YamlField {
 public:
  YamlField(YAML::Node node, std::string path, std::string_view file)
      : node_(std::move(node)), path_(std::move(path)), file_(file) {}

  const YAML::Node& node() const { return node_; }

  // InvalidArgument "<file>:<line>:<column>: <path>: <message>".
  template <typename... Args>
  absl::Status Bad(fmt::format_string<Args...> format, Args&&... args) const {
    return BadText(fmt::format(format, std::forward<Args>(args)...));
  }

  // The text of a scalar.
  absl::StatusOr<std::string> Scalar() const;
  absl::StatusOr<std::vector<YamlField>> List(std::size_t max_items) const;
  // The members of a mapping whose keys must be among `known` and stand once each; an unknown key is told with the
  // nearest known one.
  struct Member;
  absl::StatusOr<std::vector<Member>> Members(std::initializer_list<std::string_view> known) const;

 private:
  absl::Status BadText(const std::string& message) const;

  YAML::Node node_;
  std::string path_;
  std::string_view file_;
};

struct YamlField::Member {
  std::string key;
  YamlField value;
};

// Parses one document. Refused before yaml-cpp sees it: too large, not UTF-8, control characters, anchors, aliases,
// tags, deep nesting (yaml-cpp recurses).
absl::StatusOr<YAML::Node> LoadYaml(std::string_view text, std::string_view file, std::size_t max_bytes);

}  // namespace vortex::policy
