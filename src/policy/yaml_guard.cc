// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml_guard.h"

#include <algorithm>
#include <array>
#include <regex>
#include <string>
#include <vector>

#include "base/status.h"
#include "policy/text.h"

namespace vortex::policy {
namespace {

constexpr std::size_t kMaxDepth = 16;
// Longer plain scalars are not looked at as numbers: std::regex recurses with its input.
constexpr std::size_t kMaxNumber = 256;

// "<file>:<line>:<column>", both from 1, of a byte in the text.
std::string At(std::string_view file, std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  return fmt::format("{}:{}:{}", file, line, offset - line_start + 1);
}

// "- - x" opens two levels in one line: each sign that white space follows.
std::size_t LeadingIndicators(std::string_view line, std::size_t indent) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < indent && i < line.size(); ++i) {
    const bool indicator = line[i] == '-' || line[i] == '?' || line[i] == ':';
    if (indicator && (i + 1 == line.size() || line[i + 1] == ' ')) ++count;
  }
  return count;
}

// May count too much, never too little by more than yaml-cpp's own bound on its depth (500).
absl::Status CheckBlockDepth(std::string_view text, std::string_view file) {
  std::vector<std::size_t> indents;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    const std::size_t indent = line.find_first_not_of(" -?:");
    if (indent != std::string_view::npos && line[indent] != '#') {
      while (!indents.empty() && indents.back() >= indent) indents.pop_back();
      indents.push_back(indent);
    }
    if (indents.size() > kMaxDepth || LeadingIndicators(line, indent) > kMaxDepth) {
      return InvalidArgument("{}: nested deeper than {} levels", At(file, text, start), kMaxDepth);
    }
    start = end + 1;
  }
  return absl::OkStatus();
}

absl::Status CheckBrackets(std::string_view text, std::string_view file, std::size_t max_brackets) {
  std::size_t brackets = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '[' && text[i] != '{') continue;
    if (++brackets > max_brackets) {
      return InvalidArgument("{}: more than {} opening brackets in the file", At(file, text, i),
                             max_brackets);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckBeforeParsing(std::string_view text, std::string_view file, std::size_t max_bytes,
                                std::size_t max_brackets) {
  if (text.size() > max_bytes) {
    return InvalidArgument("{}: {} bytes is more than the limit of {}", file, text.size(),
                           max_bytes);
  }
  if (const auto bad = FindBadCharacter(text, "\n\t\r")) {
    return InvalidArgument("{}: holds {}; remove it", At(file, text, bad->offset), bad->what);
  }
  VX_RETURN_IF_ERROR(CheckBrackets(text, file, max_brackets));
  return CheckBlockDepth(text, file);
}

bool IsTextToEveryReader(std::string_view scalar) {
  static constexpr std::array<std::string_view, 13> kWords = {
      "", "~", "null", "y", "n", "yes", "no", "on", "off", "true", "false", "=", "<<"};
  std::string lower(scalar.substr(0, kMaxNumber));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (std::find(kWords.begin(), kWords.end(), lower) != kWords.end()) return false;
  static const std::regex number(
      "[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-f_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\\.[0-9_]*)?"
      "|(\\.[0-9_]+|[0-9][0-9_]*(\\.[0-9_]*)?)(e[-+]?[0-9]+)?|\\.inf)|\\.nan"
      "|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t \t].*)?");
  return !std::regex_match(lower, number);
}

}  // namespace vortex::policy
