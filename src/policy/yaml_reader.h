// SPDX-License-Identifier: Apache-2.0
// Strict reading of small YAML documents on top of yaml-cpp: every error carries line, column and
// field path. yaml-cpp throws; nothing that it throws leaves yaml_reader.cc.
#pragma once

#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/status.h"
#include "policy/yaml_guard.h"

namespace vortex::policy {

// A node and where it stands.
class YamlField {
 public:
  YamlField(YAML::Node node, std::string path, std::string_view file)
      : node_(std::move(node)), path_(std::move(path)), file_(file) {}

  // InvalidArgument "<file>:<line>:<column>: <path>: <message>".
  template <typename... Args>
  absl::Status Bad(fmt::format_string<Args...> format, Args&&... args) const {
    return BadText(fmt::format(format, std::forward<Args>(args)...));
  }

  // Where it starts, from 1.
  int line() const { return node_.Mark().line + 1; }
  // "network.allow[0]"
  const std::string& path() const { return path_; }

  // The value of a scalar, quoted or not, after escapes: UTF-8 without control characters other
  // than new line and tab.
  absl::StatusOr<std::string> Scalar() const;
  // A scalar that is text to every reader of YAML: the unquoted no, 1e3 and ~ are refused, since
  // another program would read them as something else.
  absl::StatusOr<std::string> Text() const;
  // A scalar without quotes, for the caller to parse.
  absl::StatusOr<std::string> Number() const;
  absl::StatusOr<std::vector<YamlField>> List(std::size_t max_items) const;
  // The members of a mapping whose keys must be among `known` and stand once each; an unknown key
  // is told with the nearest known one.
  struct Member;
  absl::StatusOr<std::vector<Member>> Members(std::initializer_list<std::string_view> known) const;

 private:
  absl::Status BadText(const std::string& message) const;
  // yaml-cpp gives "!" as the tag of a quoted or block scalar and "?" as that of a plain one.
  bool IsQuoted() const { return node_.Tag() == "!"; }

  YAML::Node node_;
  std::string path_;
  std::string_view file_;
};

struct YamlField::Member {
  std::string key;
  YamlField value;
};

// Parses the one document in `text`. `file` is for messages and must outlive the fields.
//   InvalidArgument  what CheckBeforeParsing refuses; anchors, aliases, tags; not exactly one
//   document
absl::StatusOr<YAML::Node> LoadYaml(std::string_view text, std::string_view file,
                                    std::size_t max_bytes, std::size_t max_brackets = kMaxBrackets);

}  // namespace vortex::policy
