// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml_reader.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <numeric>
#include <sstream>
#include <set>

#include "base/utf8.h"

namespace vortex::policy {
namespace {

constexpr std::size_t kMaxDepth = 16;
// All opening brackets together bound the flow nesting, whatever quotes hide or fake closing ones.
constexpr std::size_t kMaxBrackets = 256;
constexpr std::size_t kShownValue = 64;

std::string Where(std::string_view file, const YAML::Mark& mark) {
  if (mark.is_null()) return std::string(file);
  return fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

// Nesting that yaml-cpp would recurse into: brackets and block indentation. It may count too much, never too little.
bool TooDeep(std::string_view text) {
  const auto brackets = std::count_if(text.begin(), text.end(), [](char c) { return c == '[' || c == '{'; });
  if (static_cast<std::size_t>(brackets) > kMaxBrackets) return true;
  std::vector<std::size_t> indents;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    const std::size_t indent = line.find_first_not_of(" -?:");
    if (indent != std::string_view::npos && line[indent] != '#') {
      while (!indents.empty() && indents.back() >= indent) indents.pop_back();
      indents.push_back(indent);
    }
    // "- - - x" and "? ? x" open a level a sign.
    const auto signs = std::count_if(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(std::min(indent, line.size())),
                                     [](char c) { return c == '-' || c == '?' || c == ':'; });
    if (indents.size() > kMaxDepth || static_cast<std::size_t>(signs) > kMaxDepth) return true;
    start = end + 1;
  }
  return false;
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// "did you mean" for a typing error; otherwise the whole list.
std::string Suggestion(std::string_view key, std::initializer_list<std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = 3;
  std::string all;
  for (std::string_view candidate : known) {
    const std::size_t distance = EditDistance(key.substr(0, kShownValue), candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
    all += (all.empty() ? "" : ", ") + std::string(candidate);
  }
  return best.empty() ? "known keys are " + all : "did you mean " + std::string(best) + "?";
}

// The first thing in the tree that a strict document does not have.
absl::Status RefuseSpecials(const YAML::Node& node, std::string_view file) {
  const std::string& tag = node.Tag();
  // "?" is a plain and "!" a quoted scalar; anything else was written as a tag.
  if (!tag.empty() && tag != "?" && tag != "!") {
    return InvalidArgument("{}: tags ({}) are not allowed", Where(file, node.Mark()), tag);
  }
  for (const auto& child : node) {
    if (node.IsMap()) {
      VX_RETURN_IF_ERROR(RefuseSpecials(child.first, file));
      VX_RETURN_IF_ERROR(RefuseSpecials(child.second, file));
    } else {
      VX_RETURN_IF_ERROR(RefuseSpecials(child, file));
    }
  }
  return absl::OkStatus();
}

// Sees anchors and aliases, which the finished tree no longer tells from copies.
class AnchorFinder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { See(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { See(mark, 1); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string&) override {
    See(mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    See(mark, anchor);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    See(mark, anchor);
  }
  void OnMapEnd() override {}

  bool found = false;
  YAML::Mark found_at;

 private:
  void See(const YAML::Mark& at, YAML::anchor_t anchor) {
    if (found || anchor == 0) return;
    found = true;
    found_at = at;
  }
};

absl::StatusOr<YAML::Node> Parse(const std::string& text, std::string_view file) {
  try {
    std::istringstream events(text);
    YAML::Parser parser(events);
    AnchorFinder finder;
    parser.HandleNextDocument(finder);
    if (finder.found) {
      return InvalidArgument("{}: anchors and aliases are not allowed", Where(file, finder.found_at));
    }
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() != 1) {
      return InvalidArgument("{}: holds {} documents; write exactly one", file, documents.size());
    }
    VX_RETURN_IF_ERROR(RefuseSpecials(documents[0], file));
    return documents[0];
  } catch (const YAML::Exception& error) {
    return InvalidArgument("{}: not YAML: {}", Where(file, error.mark), error.msg);
  }
}

}  // namespace

absl::StatusOr<YAML::Node> LoadYaml(std::string_view text, std::string_view file, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return InvalidArgument("{}: {} bytes is more than the limit of {}", file, text.size(), max_bytes);
  }
  if (!base::IsUtf8(text)) return InvalidArgument("{}: not UTF-8 text", file);
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7f) {
      return InvalidArgument("{}: holds the control character 0x{:02x}", file, byte);
    }
  }
  if (TooDeep(text)) return InvalidArgument("{}: nested deeper than {} levels", file, kMaxDepth);
  return Parse(std::string(text), file);
}

absl::Status YamlField::BadText(const std::string& message) const {
  return InvalidArgument("{}: {}{}", Where(file_, node_.Mark()), path_.empty() ? "" : path_ + ": ", message);
}

absl::StatusOr<std::string> YamlField::Scalar() const {
  if (!node_.IsScalar()) return Bad("must be a single value");
  return node_.Scalar();
}

absl::StatusOr<std::vector<YamlField>> YamlField::List(std::size_t max_items) const {
  if (!node_.IsSequence()) return Bad("must be a list, for example [a, b]");
  if (node_.size() > max_items) return Bad("has {} items; at most {} are allowed", node_.size(), max_items);
  std::vector<YamlField> out;
  for (std::size_t i = 0; i < node_.size(); ++i) {
    out.emplace_back(node_[i], fmt::format("{}[{}]", path_, i), file_);
  }
  return out;
}

absl::StatusOr<std::vector<YamlField::Member>> YamlField::Members(
    std::initializer_list<std::string_view> known) const {
  if (!node_.IsMap()) return Bad("must be a mapping of keys to values");
  std::vector<Member> out;
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const YamlField key_field(entry.first, path_, file_);
    VX_ASSIGN_OR_RETURN(const std::string key, key_field.Scalar());
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return key_field.Bad("unknown key \"{}\"; {}", key.substr(0, kShownValue), Suggestion(key, known));
    }
    if (!seen.insert(key).second) return key_field.Bad("key \"{}\" stands twice", key);
    out.push_back({key, YamlField(entry.second, path_.empty() ? key : path_ + "." + key, file_)});
  }
  return out;
}

}  // namespace vortex::policy
