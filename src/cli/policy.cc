// SPDX-License-Identifier: Apache-2.0
// vortexctl policy check, explain and diff.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/node.h"
#include "policy/compare.h"
#include "policy/gate.h"
#include "policy/policy.h"
#include "sandbox/admission.h"
#include "sandbox/bundle_store.h"
#include "sandbox/cdi_registry.h"
#include "sandbox/owned_file.h"

namespace vortex::cli {
namespace {

using Json = nlohmann::ordered_json;

std::chrono::sys_days Today() {
  return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
}

// Names from a bundle are checked, but a path or a message may hold any byte.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json ProblemsJson(const std::vector<policy::Problem>& problems) {
  Json out = Json::array();
  for (const policy::Problem& problem : problems)
    out.push_back({{"line", problem.line}, {"message", problem.message}});
  return out;
}

absl::StatusOr<policy::Policy> ReadPolicyFile(const std::string& file) {
  VX_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(file, policy::kMaxPolicyBytes));
  return policy::ParsePolicy(text, file);
}

// A directory or a digest is a bundle; anything else an id, of which the entries are explained.
bool IsBundle(const std::string& plugin) {
  return plugin.starts_with("sha256:") || plugin.find('/') != std::string::npos ||
         ::access(plugin.c_str(), F_OK) == 0;
}

struct Explained {
  std::string id;
  std::string digest;  // empty: not known
  policy::Decision decision;
};

absl::StatusOr<Explained> Explain(const Args& args) {
  const sandbox::EmbeddedOptions& options = args.options;
  sandbox::RunRequest request;
  request.plugin = args.plugin;
  if (!args.runtime_class.empty()) {
    VX_ASSIGN_OR_RETURN(request.runtime_class, oci::ParseRuntimeClass(args.runtime_class));
  }
  sandbox::Bundle bundle;
  if (IsBundle(args.plugin)) {
    sandbox::BundleStore store(options.data_dir + "/bundles");
    VX_ASSIGN_OR_RETURN(bundle, args.plugin.starts_with("sha256:") ? store.Get(args.plugin)
                                                                   : store.Add(args.plugin));
  } else {
    bundle.manifest = policy::AsksForAll(options.policy, args.plugin);
  }
  return Explained{bundle.manifest.id, bundle.digest,
                   sandbox::Admission(options, request, bundle).decision};
}

void PrintExplained(const Explained& explained, const policy::Policy& policy) {
  fmt::print("{}{}\n", explained.id,
             explained.digest.empty() ? ", as if it asked for all that the entries for it name"
                                      : " " + explained.digest);
  fmt::print("policy {}\n\n", policy.file.empty() ? "built in (no policy file)" : policy.file);
  std::size_t rule_width = 0, outcome_width = 0;
  for (const policy::RuleDecision& rule : explained.decision.rules) {
    rule_width = std::max(rule_width, rule.rule.size());
    outcome_width = std::max(outcome_width, std::min<std::size_t>(rule.outcome.size(), 32));
  }
  for (const policy::RuleDecision& rule : explained.decision.rules) {
    fmt::print("{:<{}}  {:<{}}  {} ({})\n", rule.rule, rule_width, rule.outcome, outcome_width,
               rule.detail, rule.position);
  }
  const absl::Status status = explained.decision.grant.status();
  fmt::print("\n{}\n", status.ok() ? "would run" : "refused: " + std::string(Message(status)));
}

Json ExplainedJson(const Explained& explained, const policy::Policy& policy) {
  Json rules = Json::array();
  for (const policy::RuleDecision& rule : explained.decision.rules) {
    rules.push_back({{"rule", rule.rule},
                     {"outcome", rule.outcome},
                     {"detail", rule.detail},
                     {"position", rule.position}});
  }
  const absl::Status status = explained.decision.grant.status();
  return {{"schema_version", 1},
          {"plugin", {{"id", explained.id}, {"digest", explained.digest}}},
          {"policy", {{"file", policy.file}, {"digest", policy.digest}}},
          {"granted", status.ok()},
          {"message", std::string(Message(status))},
          {"rules", std::move(rules)}};
}

// A policy may be written before the device is there, or on another machine: no more than a
// warning.
void WarnOfDevices(const policy::Policy& policy, const std::vector<std::string>& cdi_dirs,
                   std::vector<policy::Problem>& warnings) {
  const sandbox::CdiRegistry registry = sandbox::CdiRegistry::Read(cdi_dirs);
  for (const policy::AllowEntry& entry : policy.allow) {
    for (const std::string& name : entry.gpus) {
      if (registry.Find(name) != nullptr) continue;
      warnings.push_back(
          {entry.line, fmt::format("{}: allow: this node has no such CDI device now: {}",
                                   policy.At(entry.line), name)});
    }
  }
}

const char* DirectionName(policy::Direction direction) {
  return direction == policy::Direction::kLoosens ? "loosens" : "tightens";
}

}  // namespace

int CheckPolicyFile(const Args& args) {
  const auto text = base::ReadFile(args.policy_a, policy::kMaxPolicyBytes);
  if (!text.ok()) return Fail(text.status());
  policy::PolicyCheck check = policy::CheckPolicy(*text, args.policy_a, Today());
  if (check.policy) WarnOfDevices(*check.policy, args.options.cdi_dirs, check.warnings);
  // Anybody may check a file; as a node's policy it would be refused.
  if (const absl::Status safe = sandbox::CheckOperatorFile(args.policy_a); !safe.ok())
    check.warnings.push_back({0, fmt::format("would not be used: {}", Message(safe))});
  if (args.json) {
    const Json json = {{"schema_version", 1},
                       {"file", args.policy_a},
                       {"valid", check.policy.has_value()},
                       {"digest", check.policy ? Json(check.policy->digest) : Json(nullptr)},
                       {"errors", ProblemsJson(check.errors)},
                       {"warnings", ProblemsJson(check.warnings)}};
    std::printf("%s\n", Dump(json).c_str());
    return check.policy ? 0 : 1;
  }
  for (const policy::Problem& problem : check.errors) fmt::print("error: {}\n", problem.message);
  for (const policy::Problem& problem : check.warnings)
    fmt::print("warning: {}\n", problem.message);
  if (check.policy)
    fmt::print("{}: valid, {} warnings, {}\n", args.policy_a, check.warnings.size(),
               check.policy->digest);
  else
    fmt::print("{}: {} errors\n", args.policy_a, check.errors.size());
  return check.policy ? 0 : 1;
}

int ExplainPolicy(const Args& given) {
  Args args = given;
  if (const absl::Status loaded = LoadPolicy(args); !loaded.ok()) return Fail(loaded);
  const auto explained = Explain(args);
  if (!explained.ok()) return Fail(explained.status());
  if (args.json)
    std::printf("%s\n", Dump(ExplainedJson(*explained, args.options.policy)).c_str());
  else
    PrintExplained(*explained, args.options.policy);
  return explained->decision.grant.ok() ? 0 : 1;
}

int DiffPolicies(const Args& args) {
  const auto before = ReadPolicyFile(args.policy_a);
  if (!before.ok()) return Fail(before.status());
  const auto after = ReadPolicyFile(args.policy_b);
  if (!after.ok()) return Fail(after.status());
  const auto changes = policy::ComparePolicies(*before, *after, Today());
  Json json = Json::array();
  bool loosens = false;
  std::string subject;
  for (const policy::Change& change : changes) {
    loosens = loosens || change.direction == policy::Direction::kLoosens;
    if (args.json) {
      json.push_back({{"plugin", change.subject},
                      {"what", change.what},
                      {"before", change.before},
                      {"after", change.after},
                      {"direction", DirectionName(change.direction)}});
      continue;
    }
    if (change.subject != subject) fmt::print("{}\n", change.subject);
    subject = change.subject;
    fmt::print("  {:<8}  {}: {} -> {}\n", DirectionName(change.direction), change.what,
               change.before, change.after);
  }
  if (args.json)
    std::printf("%s\n",
                Dump({{"schema_version", 1}, {"loosens", loosens}, {"changes", json}}).c_str());
  else if (changes.empty())
    fmt::print("nothing tightens or loosens\n");
  return loosens ? 1 : 0;
}

}  // namespace vortex::cli
