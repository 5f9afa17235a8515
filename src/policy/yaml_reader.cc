// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml_reader.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>

#include "policy/text.h"

namespace vortex::policy {
namespace {

std::string Where(std::string_view file, const YAML::Mark& mark) {
  if (mark.is_null()) return std::string(file);
  return fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
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
    const std::size_t distance = EditDistance(key.substr(0, 64), candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
    all += (all.empty() ? "" : ", ") + std::string(candidate);
  }
  if (best.empty()) return "known keys are " + all;
  return "did you mean " + std::string(best) + "?";
}

// The first thing in the tree that a strict document does not have.
absl::Status RefuseSpecials(const YAML::Node& node, std::string_view file) {
  const std::string& tag = node.Tag();
  // "?" is a plain and "!" a quoted scalar; anything else was written as a tag.
  if (!tag.empty() && tag != "?" && tag != "!") {
    return InvalidArgument("{}: tags are not allowed; remove {}", Where(file, node.Mark()),
                           Quoted(tag));
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

// Sees anchors and aliases, which the finished tree no longer tells from copies, and where
// documents start.
class EventWatcher : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { document_at = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { See(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { See(mark, 1); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string&) override {
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

  std::optional<YAML::Mark> anchor_at;  // the first one
  YAML::Mark document_at;               // the last one's start

 private:
  void See(const YAML::Mark& at, YAML::anchor_t anchor) {
    if (!anchor_at && anchor != 0) anchor_at = at;
  }
};

absl::StatusOr<YAML::Node> Parse(const std::string& text, std::string_view file) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    EventWatcher watcher;
    if (!parser.HandleNextDocument(watcher)) {
      return InvalidArgument("{}: is empty; write exactly one document", file);
    }
    if (watcher.anchor_at) {
      return InvalidArgument("{}: anchors and aliases are not allowed; write the value out",
                             Where(file, *watcher.anchor_at));
    }
    // Asked once and never in a loop: on a text such as ",h" yaml-cpp 0.7 says for ever that there
    // is one more document, which makes its LoadAll fill the memory.
    if (parser.HandleNextDocument(watcher)) {
      return InvalidArgument("{}: goes on after its first document; write exactly one",
                             Where(file, watcher.document_at));
    }
    const YAML::Node document = YAML::Load(text);
    VX_RETURN_IF_ERROR(RefuseSpecials(document, file));
    return document;
  } catch (const YAML::Exception& error) {
    // The message may quote a byte of the input.
    const std::string reason = Quoted(error.msg);
    return InvalidArgument("{}: not YAML: {}", Where(file, error.mark),
                           reason.substr(1, reason.size() - 2));
  }
}

}  // namespace

absl::StatusOr<YAML::Node> LoadYaml(std::string_view text, std::string_view file,
                                    std::size_t max_bytes, std::size_t max_brackets) {
  VX_RETURN_IF_ERROR(CheckBeforeParsing(text, file, max_bytes, max_brackets));
  return Parse(std::string(text), file);
}

absl::Status YamlField::BadText(const std::string& message) const {
  return InvalidArgument("{}: {}{}", Where(file_, node_.Mark()), path_.empty() ? "" : path_ + ": ",
                         message);
}

absl::StatusOr<std::string> YamlField::Scalar() const {
  if (node_.IsNull()) return Bad("has no value");
  if (!node_.IsScalar()) return Bad("must be a single value");
  const std::string& value = node_.Scalar();
  // Escapes such as "\e" and "\0" make what the look at the file's bytes could not see.
  if (const auto bad = FindBadCharacter(value, "\n\t")) {
    return Bad("{} holds {}; remove it", Quoted(value), bad->what);
  }
  return value;
}

absl::StatusOr<std::string> YamlField::Text() const {
  VX_ASSIGN_OR_RETURN(std::string value, Scalar());
  if (!IsQuoted() && !IsTextToEveryReader(value)) {
    return Bad("{} without quotes is not text to every reader of YAML; write \"{}\"", value, value);
  }
  return value;
}

absl::StatusOr<std::string> YamlField::Number() const {
  VX_ASSIGN_OR_RETURN(std::string value, Scalar());
  if (IsQuoted()) return Bad("{} is text; write the number without quotes", Quoted(value));
  return value;
}

absl::StatusOr<std::vector<YamlField>> YamlField::List(std::size_t max_items) const {
  if (!node_.IsSequence()) return Bad("must be a list, for example [a, b]");
  if (node_.size() > max_items)
    return Bad("has {} items; at most {} are allowed", node_.size(), max_items);
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
      return key_field.Bad("unknown key {}; {}", Quoted(key), Suggestion(key, known));
    }
    if (!seen.insert(key).second) return key_field.Bad("key {} stands twice", Quoted(key));
    out.push_back({key, YamlField(entry.second, path_.empty() ? key : path_ + "." + key, file_)});
  }
  return out;
}

}  // namespace vortex::policy
