// SPDX-License-Identifier: Apache-2.0
#include "review/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

namespace vortex::review {

std::string_view Name(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kHigh:
      return "high";
    case Severity::kCritical:
      return "critical";
  }
  return "note";
}

const std::vector<const Rule*>& AllRules() {
  static const auto& rules = *new std::vector<const Rule*>([] {
    std::vector<const Rule*> out;
    for (const auto part :
         {ShapeRules(), NamespaceRules(), ProcessRules(), CapabilityRules(), SeccompRules(),
          MountRules(), DeviceRules(), ResourceRules(), HostRules()}) {
      for (const Rule& rule : part) out.push_back(&rule);
    }
    std::sort(out.begin(), out.end(), [](const Rule* a, const Rule* b) { return a->id < b->id; });
    return out;
  }());
  return rules;
}

const Rule& FindRule(std::string_view name) {
  static const auto& by_name = *new std::unordered_map<std::string_view, const Rule*>([] {
    std::unordered_map<std::string_view, const Rule*> out;
    for (const Rule* rule : AllRules()) out.emplace(rule->name, rule);
    return out;
  }());
  const auto found = by_name.find(name);
  if (found == by_name.end()) std::abort();
  return *found->second;
}

std::string_view NotApplicable(Scope scope, std::string_view runtime_class) {
  if (runtime_class == "gvisor") {
    switch (scope) {
      case Scope::kHostSeccomp:
        return "runsc ignores linux.seccomp: the sentry answers the plugin's system calls and is "
               "itself filtered by runsc";
      case Scope::kHostProc:
        return "the /proc inside is the sentry's own and shows nothing of the host";
      case Scope::kHostDevices:
        return "the sentry makes no host device nodes and runsc applies no device rules";
      case Scope::kHostLsm:
        return "AppArmor and SELinux see the sentry, never the plugin's own accesses";
      default:
        return "";
    }
  }
  if (runtime_class == "kata") {
    switch (scope) {
      case Scope::kHostSeccomp:
        return "Kata drops linux.seccomp: the system calls go to the guest's kernel";
      case Scope::kHostLsm:
        return "AppArmor and SELinux see the virtual machine, never the plugin's own accesses";
      case Scope::kUserNamespace:
        return "Kata knows no user namespaces: users are the guest's, and the guest is the "
               "boundary";
      case Scope::kHostPids:
        return "processes are the guest's; Kata drops resources.pids and RLIMIT_NPROC is the limit";
      case Scope::kHostSwap:
        return "the memory is the guest's, whose size is its limit";
      default:
        return "";
    }
  }
  return "";
}

std::string RuleCatalogue() {
  std::string out =
      "<!-- generated from src/review/rules_*.cc by `./dev golden-rules`; a test compares -->\n"
      "# The rules of `vortexctl spec audit`\n\n"
      "Ids are never renumbered nor used again. How to use them: [spec-review.md](spec-review.md). "
      "A finding may have another severity than its rule's usual one, where the rest of the spec "
      "makes it matter more or less.\n\n";
  out += fmt::format(
      "{} rules.\n\n| id | name | severity | field | not under |\n|---|---|---|---|---|\n",
      AllRules().size());
  for (const Rule* rule : AllRules()) {
    std::string without;
    for (const char* name : {"gvisor", "kata"}) {
      if (!NotApplicable(rule->scope, name).empty())
        without += (without.empty() ? "" : ", ") + std::string(name);
    }
    out += fmt::format("| [{}](#{}) | `{}` | {} | `{}` | {} |\n", rule->id, rule->id, rule->name,
                       Name(rule->severity), rule->field, without);
  }
  out += "\n";
  for (const Rule* rule : AllRules()) {
    out += fmt::format("<a id=\"{}\"></a>\n**{} `{}`** ({}). {} *Fix:* {}. *Source:* {}.\n\n",
                       rule->id, rule->id, rule->name, Name(rule->severity), rule->attack,
                       rule->fix, rule->source);
  }
  out.pop_back();
  return out;
}

}  // namespace vortex::review
