// SPDX-License-Identifier: Apache-2.0
// What opens the sandbox is never given because a plugin asks for it: the manifest asks, an
// operator's allow entry gives, and a deny entry wins.
#include "oci/class_support.h"
#include "policy/date.h"
#include "policy/fields.h"
#include "policy/gate_judge.h"

namespace vortex::policy {
namespace {

constexpr auto kDenied = absl::StatusCode::kPermissionDenied;

template <typename T>
bool Contains(const std::vector<T>& list, const T& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// One thing that the manifest asks for.
struct Wish {
  const char* field;    // "network", which is also the manifest's name
  const char* denial;   // the rule of a deny entry: "deny.host"
  std::string what;     // "network access to api.example.com:443"
  std::string outcome;  // "api.example.com:443"
  std::string entry;    // how an allow entry would give it: "egress: [{…}]"
};

// Whether it is given. `gives(entry)` and `denies(entry)` look at the item alone; each allow entry
// that gives it and applies goes to `take`.
template <typename Gives, typename Denies, typename Take>
void JudgeWish(Judge& judge, const Wish& wish, const Gives& gives, const Denies& denies,
               const Take& take) {
  const std::string rule = std::string(wish.field) + ".";
  if (const DenyEntry* deny = judge.FindDenial(denies)) {
    judge.Refuse(kDenied, wish.denial, judge.policy.At(deny->line),
                 "plugin {} asks for {}, which is denied by the operator ({}: {}), and no other "
                 "entry overrides that",
                 judge.manifest.id, wish.what, judge.policy.At(deny->line), deny->reason);
    return;
  }
  const AllowEntry* given = nullptr;
  const AllowEntry* missed = nullptr;
  for (const AllowEntry& entry : judge.policy.allow) {
    if (entry.plugin != judge.manifest.id || !gives(entry)) continue;
    if (judge.FitOf(entry) != Fit::kApplies) {
      missed = &entry;
      continue;
    }
    if (given == nullptr) given = &entry;
    take(entry);
  }
  if (given != nullptr) {
    judge.Note(rule + "entry", wish.outcome, given->reason, judge.policy.At(given->line));
    return;
  }
  if (missed != nullptr && judge.FitOf(*missed) == Fit::kExpired) {
    judge.Refuse(kDenied, rule + "expired", judge.policy.At(missed->line),
                 "plugin {} asks for {}; the allow entry at {} gave it and expired on {}; a new "
                 "date there would allow it",
                 judge.manifest.id, wish.what, judge.policy.At(missed->line),
                 FormatDate(*missed->expires));
    return;
  }
  if (missed != nullptr) {
    judge.Refuse(
        kDenied, rule + "other-digest", judge.policy.At(missed->line),
        "plugin {} asks for {}; the allow entry at {} gives it to bundle {} only, this one "
        "is {}",
        judge.manifest.id, wish.what, judge.policy.At(missed->line), missed->digest,
        judge.facts.bundle_digest.empty() ? "not known" : judge.facts.bundle_digest);
    return;
  }
  judge.Refuse(
      kDenied, rule + "not-allowlisted", "built in",
      "plugin {} asks for {} in {} of its manifest, which needs an operator's allow entry; "
      "one in {} with plugin: {} and {} would allow it",
      judge.manifest.id, wish.what, wish.field, judge.PolicyName(), judge.manifest.id, wish.entry);
}

void JudgeNetwork(Judge& judge) {
  for (const NetworkRule& asked : judge.manifest.network) {
    const std::string target = fmt::format("{}:{}", asked.host, asked.port);
    NetworkRule granted{asked.host, asked.port};
    bool given = false;
    const auto gives = [&](const NetworkRule& rule) {
      return rule.port == asked.port && Covers(rule.host, asked.host);
    };
    JudgeWish(
        judge,
        {"network", "deny.host", "network access to " + target, target,
         fmt::format("egress: [{{host: \"{}\", port: {}}}]", asked.host, asked.port)},
        [&](const AllowEntry& entry) {
          return std::any_of(entry.egress.begin(), entry.egress.end(), gives);
        },
        [&](const DenyEntry& deny) {
          return std::any_of(deny.hosts.begin(), deny.hosts.end(),
                             [&](const std::string& host) { return Covers(host, asked.host); });
        },
        [&](const AllowEntry& entry) {
          given = true;
          for (const NetworkRule& rule : entry.egress) {
            if (!gives(rule)) continue;
            for (const std::string& range : rule.address_ranges) {
              if (!Contains(granted.address_ranges, range)) granted.address_ranges.push_back(range);
            }
          }
        });
    if (given) judge.grant.network.push_back(std::move(granted));
  }
  if (judge.grant.network.empty()) return;
  for (const DenyEntry& deny : judge.policy.deny) {
    if (!judge.Concerns(deny)) continue;
    for (const std::string& host : deny.hosts) {
      if (!Contains(judge.grant.denied_hosts, host)) judge.grant.denied_hosts.push_back(host);
    }
  }
}

// Capabilities and devices: names, which are given or not.
void JudgeNames(Judge& judge, const std::vector<std::string>& asked, const char* field,
                const char* denial, const char* kind, std::vector<std::string> AllowEntry::*allowed,
                std::vector<std::string> DenyEntry::*denied,
                std::vector<std::string> Grant::*granted) {
  for (const std::string& name : asked) {
    bool given = false;
    JudgeWish(
        judge,
        {field, denial, fmt::format("the {} {}", kind, name), name,
         fmt::format("{}: [{}]", field, name)},
        [&](const AllowEntry& entry) { return Contains(entry.*allowed, name); },
        [&](const DenyEntry& deny) { return Contains(deny.*denied, name); },
        [&](const AllowEntry&) { given = true; });
    if (given && !Contains(judge.grant.*granted, name)) (judge.grant.*granted).push_back(name);
  }
}

// Mounts are the operator's alone: no manifest knows the paths of a node.
void GiveMounts(Judge& judge) {
  for (const AllowEntry& entry : judge.policy.allow) {
    if (judge.FitOf(entry) != Fit::kApplies) continue;
    for (const oci::MountGrant& mount : entry.mounts) {
      judge.grant.mounts.push_back(mount);
      judge.Note("mounts.entry",
                 fmt::format("{} at {}, {}", mount.source, mount.destination,
                             mount.read_only ? "read-only" : "writable"),
                 entry.reason, judge.policy.At(entry.line));
    }
  }
}

// A privilege that the class would drop in silence is refused by name.
void CheckClass(Judge& judge) {
  oci::JobConfig job;
  job.runtime_class = judge.grant.runtime_class;
  job.capabilities = {oci::WeakensIsolation{"asks what a class honours; no spec is made"},
                      judge.grant.capabilities};
  std::vector<oci::DeviceGrant> devices;
  for (const std::string& name : judge.grant.gpus) devices.push_back({.path = name});
  job.devices = {oci::WeakensIsolation{"asks what a class honours; no spec is made"}, devices};
  if (!judge.grant.network.empty()) {
    job.network_namespace_path = {
        oci::WeakensIsolation{"asks what a class honours; no spec is made"}, "of the run"};
  }
  const absl::Status honoured = oci::CheckClassHonours(job);
  if (!honoured.ok())
    judge.Refuse(absl::StatusCode::kFailedPrecondition, "runtime_class.cannot-honour", "built in",
                 "{}", Message(honoured));
}

}  // namespace

void JudgePrivileges(Judge& judge) {
  const Manifest& manifest = judge.manifest;
  JudgeNetwork(judge);
  JudgeNames(judge, manifest.capabilities, "capabilities", "deny.capability", "capability",
             &AllowEntry::capabilities, &DenyEntry::capabilities, &Grant::capabilities);
  JudgeNames(judge, manifest.gpus, "gpus", "deny.gpu", "device", &AllowEntry::gpus,
             &DenyEntry::gpus, &Grant::gpus);
  GiveMounts(judge);
  CheckClass(judge);
  const auto none = [&](const char* rule, bool asked) {
    if (!asked) judge.Note(rule, "none", "not asked for", "built in");
  };
  none("network.default", !manifest.network.empty());
  none("capabilities.default", !manifest.capabilities.empty());
  none("gpus.default", !manifest.gpus.empty());
  if (judge.grant.mounts.empty())
    judge.Note("mounts.default", "none", "no allow entry gives any", "built in");
}

}  // namespace vortex::policy
