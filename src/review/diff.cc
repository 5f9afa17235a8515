// SPDX-License-Identifier: Apache-2.0
#include "review/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include "base/status.h"
#include "review/audit_context.h"
#include "review/diff_seccomp.h"
#include "review/facts.h"

namespace vortex::review {
namespace {

using FactMap = std::map<std::string, Fact>;

constexpr std::string_view kMasked = "linux.maskedPaths: ", kReadOnly = "linux.readonlyPaths: ",
                           kDevices = "linux.resources.devices: ";

const Fact* Find(const FactMap& facts, const std::string& key) {
  const auto found = facts.find(key);
  return found == facts.end() ? nullptr : &found->second;
}

// A masked or read-only path is held back, too, where something above it is.
bool PathCovered(const FactMap& facts, const std::string& key) {
  const bool read_only = key.starts_with(kReadOnly);
  if (!read_only && !key.starts_with(kMasked)) return false;
  std::string path = key.substr(key.find(": ") + 2);
  bool itself = true;
  while (path.size() > 1) {
    if (facts.contains(std::string(kMasked) + path) && (read_only || !itself)) return true;
    if (read_only && !itself && facts.contains(std::string(kReadOnly) + path)) return true;
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) break;  // relative, so nothing is above it
    path.erase(slash);
    itself = false;
  }
  return false;
}

// A device rule allows nothing new where a wider one does: "c 1:3 r allowed" by "c 1:* r allowed".
bool DeviceCovered(const FactMap& facts, const std::string& key) {
  if (!key.starts_with(kDevices) || !key.ends_with(" allowed")) return false;
  if (facts.contains(std::string(kDevices) + "all by default")) return true;
  const std::string rest = key.substr(kDevices.size());
  const auto colon = rest.find(':');
  if (colon == std::string::npos) return false;
  const std::string tail = rest.substr(rest.find(' ', colon));  // " r allowed"
  const std::string type = rest.substr(0, 1);
  for (const std::string& wider :
       {rest.substr(0, colon) + ":*" + tail, type + " *:*" + tail, "a *:*" + tail}) {
    if (wider != rest && facts.contains(std::string(kDevices) + wider)) return true;
  }
  return false;
}

Direction ByNumber(double before, double after, bool higher_loosens) {
  if (before == after) return Direction::kNeutral;
  return (after > before) == higher_loosens ? Direction::kLoosens : Direction::kTightens;
}

// Of a bind mount's source: the directory above shows more.
Direction BySource(std::string before, std::string after) {
  const auto plain = [](const std::string& text) {
    return NormalPath(text.size() < 2 ? text : text.substr(1, text.size() - 2));
  };
  before = plain(before);
  after = plain(after);
  if (before == after) return Direction::kNeutral;
  if (Within(before, after)) return Direction::kLoosens;
  if (Within(after, before)) return Direction::kTightens;
  return Direction::kUnknown;
}

class Comparer {
 public:
  Comparer(const Facts& a, const Facts& b, const DiffOptions& options)
      : a_(a), b_(b), options_(options) {}

  std::vector<Change> Run() {
    std::set<std::string> keys;
    for (const auto& [key, fact] : a_.all()) keys.insert(key);
    for (const auto& [key, fact] : b_.all()) keys.insert(key);
    for (const std::string& key : keys) Compare(key);
    return std::move(out_);
  }

 private:
  void Compare(const std::string& key) {
    const Fact* before = Find(a_.all(), key);
    const Fact* after = Find(b_.all(), key);
    const Fact& any = after == nullptr ? *before : *after;
    if (!any.parent.empty() && (!a_.all().contains(any.parent) || !b_.all().contains(any.parent)))
      return;
    if (any.run_field && options_.ignore_run_fields) return;
    if (before != nullptr && after != nullptr && before->kind != after->kind)
      return Add(Direction::kUnknown, key, before, after);
    switch (any.kind) {
      case FactKind::kGrant:
        if ((before == nullptr) == (after == nullptr)) return;
        if (DeviceCovered(before == nullptr ? a_.all() : b_.all(), key)) return;
        return Add(after == nullptr ? Direction::kTightens : Direction::kLoosens, key, before,
                   after);
      case FactKind::kGuard:
        if ((before == nullptr) == (after == nullptr)) return;
        if (PathCovered(before == nullptr ? a_.all() : b_.all(), key)) return;
        return Add(after == nullptr ? Direction::kLoosens : Direction::kTightens, key, before,
                   after);
      case FactKind::kCeiling:
      case FactKind::kFloor: {
        const bool ceiling = any.kind == FactKind::kCeiling;
        // What is absent lets through more than any number.
        Direction direction = ceiling ? Direction::kLoosens : Direction::kLoosens;
        if (before == nullptr) direction = Direction::kTightens;
        if (before != nullptr && after != nullptr)
          direction = ByNumber(before->number, after->number, ceiling);
        // "unlimited" in words is the same as absent.
        const Fact& given = before == nullptr ? *after : *before;
        if ((before == nullptr || after == nullptr) && given.value == "unlimited")
          direction = Direction::kNeutral;
        if (direction != Direction::kNeutral) Add(direction, key, before, after);
        return;
      }
      case FactKind::kNeutral:
      case FactKind::kUnknown:
        if (before != nullptr && after != nullptr && before->value == after->value) return;
        if (any.kind == FactKind::kNeutral) return Add(Direction::kNeutral, key, before, after);
        if (before != nullptr && after != nullptr && key.starts_with("mounts ") &&
            key.ends_with(" source")) {
          const Direction direction = BySource(before->value, after->value);
          if (direction != Direction::kNeutral) Add(direction, key, before, after);
          return;
        }
        return Add(Direction::kUnknown, key, before, after);
    }
  }

  void Add(Direction direction, const std::string& key, const Fact* before, const Fact* after) {
    Change change;
    change.direction = direction;
    change.what = key;
    if (before != nullptr) change.before = Printable(before->value);
    if (after != nullptr) change.after = Printable(after->value);
    if (after != nullptr) {
      change.path = after->path;
      change.at = after->at;
    } else {
      Place(before->path, change);
    }
    out_.push_back(std::move(change));
  }

  // Where it would be in the second spec: the nearest that exists of the first one's path.
  void Place(const std::string& path, Change& change) const {
    Node node = b_.root();
    std::size_t at = 0;
    while (at < path.size()) {
      const std::size_t end = std::min(path.find_first_of(".[", at), path.size());
      const Node next = node[path.substr(at, end - at)];
      if (!next || end == at) break;
      node = next;
      if (end < path.size() && path[end] == '[') break;
      at = end + 1;
    }
    change.path = path;
    change.at = node.at();
  }

  const Facts& a_;
  const Facts& b_;
  const DiffOptions& options_;
  std::vector<Change> out_;
};

}  // namespace

std::string_view Name(Direction direction) {
  switch (direction) {
    case Direction::kTightens:
      return "tightens";
    case Direction::kNeutral:
      return "neutral";
    case Direction::kUnknown:
      return "unknown";
    case Direction::kLoosens:
      return "loosens";
  }
  return "unknown";
}

bool DiffReport::Clean() const {
  return std::none_of(changes.begin(), changes.end(), [](const Change& change) {
    return change.direction == Direction::kLoosens || change.direction == Direction::kUnknown;
  });
}

DiffReport DiffSpecs(const Value& a, const Value& b, const DiffOptions& options) {
  const Facts facts_a(a), facts_b(b);
  DiffReport report;
  report.changes = Comparer(facts_a, facts_b, options).Run();
  CompareCalls(Node(a)["linux"]["seccomp"], Node(b)["linux"]["seccomp"], report.changes);
  std::stable_sort(report.changes.begin(), report.changes.end(),
                   [](const Change& x, const Change& y) { return x.direction > y.direction; });
  return report;
}

absl::StatusOr<DiffReport> DiffSpecs(std::string_view a, std::string_view b,
                                     const DiffOptions& options) {
  const auto parse = [](std::string_view text, const char* which) -> absl::StatusOr<Value> {
    auto value = ParseJson(text);
    if (!value.ok()) return Annotate(value.status(), which);
    if (value->kind != Kind::kObject)
      return InvalidArgument("{}: an OCI spec is a JSON object", which);
    return value;
  };
  VX_ASSIGN_OR_RETURN(const Value value_a, parse(a, "the first spec"));
  VX_ASSIGN_OR_RETURN(const Value value_b, parse(b, "the second spec"));
  return DiffSpecs(value_a, value_b, options);
}

}  // namespace vortex::review
