// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "review/audit_context.h"

namespace vortex::review {
namespace {

struct Set {
  const char* field;
  const char* means;  // what it is worth that a capability is in this set
};

constexpr Set kSets[] = {
    {"effective", "it is in force from the start"},
    {"permitted", "capset(2) turns it on"},
    {"ambient", "it survives execve of any program, for users other than root too"},
    {"inheritable", "programs with inheritable file capabilities get it (CVE-2022-24769)"},
    {"bounding", "setuid programs and programs with file capabilities may still get it"},
};

// "CAP_SYS_ADMIN" → "capabilities.sys-admin", or nothing.
const Rule* RuleFor(std::string_view name) {
  if (!name.starts_with("CAP_")) return nullptr;
  std::string rule = "capabilities.";
  for (const char c : name.substr(4)) {
    rule += c == '_' ? '-' : static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  }
  for (const Rule& candidate : CapabilityRules()) {
    if (candidate.name == rule && rule != "capabilities.unknown") return &candidate;
  }
  return nullptr;
}

struct Seen {
  Node first;
  std::vector<const Set*> sets;
};

// A set that gives nothing by itself while privileges cannot grow.
bool IsDormant(const Seen& seen, bool may_grow) {
  return !may_grow && std::all_of(seen.sets.begin(), seen.sets.end(), [](const Set* set) {
    const std::string_view field = set->field;
    return field == "bounding" || field == "inheritable";
  });
}

}  // namespace

void AuditCapabilities(AuditContext& audit) {
  const Node process = audit.root()["process"];
  if (!process) return;
  const Node capabilities = process["capabilities"];
  if (!capabilities)
    return audit.Add("capabilities.unspecified", capabilities, "absent: the runtime decides");
  std::map<std::string, Seen> found;
  for (const Set& set : kSets) {
    for (const Node& item : capabilities[set.field].Items()) {
      const auto entry = found.try_emplace(item.Text(), Seen{item, {}}).first;
      if (entry->second.sets.empty() || entry->second.sets.back() != &set)
        entry->second.sets.push_back(&set);
    }
  }
  const bool may_grow = !process["noNewPrivileges"].IsTrue();
  for (const auto& [name, seen] : found) {
    std::vector<std::string> fields;
    for (const Set* set : seen.sets) fields.emplace_back(set->field);
    const std::string message =
        fmt::format("{} in {}: {}", name, fmt::join(fields, ", "), seen.sets.front()->means);
    const Rule* rule = RuleFor(name);
    if (rule == nullptr) {
      audit.Add("capabilities.unknown", seen.first, message);
      continue;
    }
    std::optional<Severity> severity;
    if (IsDormant(seen, may_grow) && rule->severity > Severity::kWarning)
      severity = Severity::kWarning;
    audit.Add(rule->name, seen.first, message, severity);
  }
}

}  // namespace vortex::review
