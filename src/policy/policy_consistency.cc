// SPDX-License-Identifier: Apache-2.0
// What no single field of a policy shows. Every finding names both lines.
#include <algorithm>
#include <string>

#include "policy/fields.h"
#include "policy/limit_fields.h"
#include "policy/policy_problems.h"

namespace vortex::policy {
namespace {

// Entry `a` applies whenever and wherever `b` does.
bool Shadows(const Entry& a, const Entry& b) {
  if (a.plugin != b.plugin || (!a.digest.empty() && a.digest != b.digest)) return false;
  return !a.expires || (b.expires && *a.expires >= *b.expires);
}

// The denial is in force for everything that the entry is about.
bool Denies(const DenyEntry& deny, const Entry& entry) {
  return (deny.plugin.empty() || deny.plugin == entry.plugin) &&
         (deny.digest.empty() || deny.digest == entry.digest);
}

template <typename T>
bool Contains(const std::vector<T>& list, const T& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

class Checker {
 public:
  Checker(const Policy& policy, Problems& problems) : policy_(policy), problems_(problems) {}

  void Run() {
    CheckUntrusted();
    for (std::size_t i = 0; i < policy_.trust.size(); ++i) CheckTrust(i);
    for (std::size_t i = 0; i < policy_.allow.size(); ++i) CheckAllow(i);
    for (std::size_t i = 0; i < policy_.deny.size(); ++i) CheckDeny(i);
    CheckClasses(policy_.untrusted, "untrusted");
    CheckClasses(policy_.trusted, "trusted");
    CheckLabels();
  }

 private:
  void CheckUntrusted() {
    if (!policy_.allow_untrusted || !policy_.untrusted.runtime_classes.empty()) return;
    // Which sandbox is strong enough for strangers is never our guess.
    problems_.AddAt(policy_.allow_untrusted_line,
                    "allow_untrusted: needs untrusted.runtime_classes; name what untrusted plugins "
                    "may run under, for example [gvisor]");
  }

  void CheckTrust(std::size_t i) {
    const TrustEntry& entry = policy_.trust[i];
    for (std::size_t j = 0; j < policy_.trust.size(); ++j) {
      const TrustEntry& other = policy_.trust[j];
      if (j == i || !Shadows(other, entry)) continue;
      // Of two equal ones the later is the duplicate.
      if (Shadows(entry, other) && j > i) continue;
      problems_.AddAt(entry.line,
                      "trust: {} is trusted by the entry at {} already; remove one of them",
                      entry.plugin, policy_.At(other.line));
      return;
    }
    for (const DenyEntry& deny : policy_.deny) {
      if (!deny.Whole() || !Denies(deny, entry)) continue;
      problems_.AddAt(entry.line, "trust: {} is denied at {}, which nothing overrides; remove one",
                      entry.plugin, policy_.At(deny.line));
    }
  }

  bool MayBeTrusted(const Entry& entry) const {
    return std::any_of(policy_.trust.begin(), policy_.trust.end(), [&](const TrustEntry& trust) {
      return trust.plugin == entry.plugin &&
             (trust.digest.empty() || entry.digest.empty() || trust.digest == entry.digest);
    });
  }

  void CheckAllow(std::size_t i) {
    const AllowEntry& entry = policy_.allow[i];
    const auto add = [&]<typename... A>(fmt::format_string<A...> format, A&&... args) {
      problems_.AddAt(entry.line, "allow: {}", fmt::format(format, std::forward<A>(args)...));
    };
    if (!policy_.allow_untrusted && !MayBeTrusted(entry)) {
      add("{} never runs: no trust entry names it, and allow_untrusted is false ({}); add one, or "
          "remove this entry",
          entry.plugin, policy_.At(policy_.allow_untrusted_line));
    }
    for (const DenyEntry& deny : policy_.deny) {
      if (!Denies(deny, entry)) continue;
      if (deny.Whole())
        add("{} is denied at {}, which nothing overrides; remove one", entry.plugin,
            policy_.At(deny.line));
      ForEachItem(entry, [&](const std::string& what, const auto& item) {
        if (DeniesItem(deny, item))
          add("{} is denied at {}, which nothing overrides; remove one", what,
              policy_.At(deny.line));
      });
    }
    bool grants = false;
    ForEachItem(entry, [&](const std::string& what, const auto& item) {
      grants = true;
      CheckGivenOnce(i, what, item);
    });
    ForEachLimit([&](const auto& limit) {
      if (!(entry.limits.*limit.asked)) return;
      grants = true;
      CheckRaises(entry, limit);
    });
    if (!grants)
      add("grants nothing; name capabilities, gpus, mounts, egress or limits, or remove it");
  }

  template <typename Visit>
  static void ForEachItem(const AllowEntry& entry, const Visit& visit) {
    for (const std::string& name : entry.capabilities) visit(name, Capability{name});
    for (const std::string& name : entry.gpus) visit(name, Gpu{name});
    for (const oci::MountGrant& mount : entry.mounts)
      visit("the mount at " + mount.destination, mount);
    for (const NetworkRule& rule : entry.egress)
      visit(fmt::format("{}:{}", rule.host, rule.port), rule);
  }

  struct Capability {
    const std::string& name;
  };
  struct Gpu {
    const std::string& name;
  };

  static bool DeniesItem(const DenyEntry& deny, const Capability& item) {
    return Contains(deny.capabilities, item.name);
  }
  static bool DeniesItem(const DenyEntry& deny, const Gpu& item) {
    return Contains(deny.gpus, item.name);
  }
  static bool DeniesItem(const DenyEntry&, const oci::MountGrant&) { return false; }
  // A denied host inside of an allowed wildcard is an exception, and fine.
  static bool DeniesItem(const DenyEntry& deny, const NetworkRule& rule) {
    return std::any_of(deny.hosts.begin(), deny.hosts.end(),
                       [&](const std::string& host) { return Covers(host, rule.host); });
  }

  // How often the entry gives the item.
  static auto Count(const AllowEntry& entry, const Capability& item) {
    return std::count(entry.capabilities.begin(), entry.capabilities.end(), item.name);
  }
  static auto Count(const AllowEntry& entry, const Gpu& item) {
    return std::count(entry.gpus.begin(), entry.gpus.end(), item.name);
  }
  // Two mounts at one place cannot both be had, whatever their sources are.
  static auto Count(const AllowEntry& entry, const oci::MountGrant& item) {
    return std::count_if(
        entry.mounts.begin(), entry.mounts.end(),
        [&](const oci::MountGrant& mount) { return mount.destination == item.destination; });
  }
  static auto Count(const AllowEntry& entry, const NetworkRule& item) {
    return std::count_if(entry.egress.begin(), entry.egress.end(), [&](const NetworkRule& rule) {
      return rule.port == item.port && Covers(rule.host, item.host) &&
             std::includes(rule.address_ranges.begin(), rule.address_ranges.end(),
                           item.address_ranges.begin(), item.address_ranges.end());
    });
  }

  template <typename Item>
  void CheckGivenOnce(std::size_t i, const std::string& what, const Item& item) {
    const AllowEntry& entry = policy_.allow[i];
    if (Count(entry, item) > 1)
      problems_.AddAt(entry.line, "allow: {} is given twice in this entry", what);
    for (std::size_t j = 0; j < policy_.allow.size(); ++j) {
      const AllowEntry& other = policy_.allow[j];
      if (j == i || !Overlaps(other, entry, item) || Count(other, item) == 0) continue;
      // Of two equal ones the later is the duplicate.
      if (Overlaps(entry, other, item) && j > i) continue;
      problems_.AddAt(entry.line, "allow: {} is given to {} by the entry at {} already; remove one",
                      what, entry.plugin, policy_.At(other.line));
      return;
    }
  }

  template <typename Item>
  static bool Overlaps(const AllowEntry& a, const AllowEntry& b, const Item&) {
    return Shadows(a, b);
  }
  static bool Overlaps(const AllowEntry& a, const AllowEntry& b, const oci::MountGrant&) {
    return a.plugin == b.plugin && (a.digest.empty() || b.digest.empty() || a.digest == b.digest);
  }

  template <typename Limit>
  void CheckRaises(const AllowEntry& entry, const Limit& limit) {
    // The tier with the lower maximum that the plugin can be in.
    const bool may_be_trusted = MayBeTrusted(entry);
    const bool untrusted_is_lower = policy_.untrusted.maximum_limits.*limit.given <=
                                    policy_.trusted.maximum_limits.*limit.given;
    const Tier& tier = may_be_trusted && (!policy_.allow_untrusted || !untrusted_is_lower)
                           ? policy_.trusted
                           : policy_.untrusted;
    const auto most = tier.maximum_limits.*limit.given;
    if (*(entry.limits.*limit.asked) > most) return;
    const auto line = tier.maximum_lines.find(limit.name);
    problems_.AddAt(entry.line,
                    "allow: limits.{}: {} changes nothing, the maximum is {} already ({})",
                    limit.name, limit.format(*(entry.limits.*limit.asked)), limit.format(most),
                    policy_.At(line == tier.maximum_lines.end() ? 0 : line->second));
  }

  void CheckDeny(std::size_t i) {
    const DenyEntry& entry = policy_.deny[i];
    for (std::size_t j = 0; j < i; ++j) {
      const DenyEntry& other = policy_.deny[j];
      if (other.plugin == entry.plugin && other.digest == entry.digest &&
          other.capabilities == entry.capabilities && other.gpus == entry.gpus &&
          other.hosts == entry.hosts && other.runtime_classes == entry.runtime_classes) {
        problems_.AddAt(entry.line, "deny: the entry at {} says the same; remove one",
                        policy_.At(other.line));
        return;
      }
    }
  }

  void CheckClasses(const Tier& tier, const char* name) {
    if (tier.runtime_classes_line == 0) return;
    for (const DenyEntry& deny : policy_.deny) {
      if (!deny.plugin.empty() || !deny.digest.empty()) continue;
      for (const oci::RuntimeClass runtime_class : deny.runtime_classes) {
        if (Contains(tier.runtime_classes, runtime_class))
          problems_.AddAt(tier.runtime_classes_line,
                          "{}.runtime_classes: {} is denied at {}, which nothing overrides; remove "
                          "one",
                          name, oci::Name(runtime_class), policy_.At(deny.line));
      }
    }
  }

  void CheckLabels() {
    const auto& labels = policy_.metrics.plugin_labels;
    for (auto it = labels.begin(); it != labels.end(); ++it) {
      if (std::find(labels.begin(), it, *it) != it)
        problems_.Add(
            InvalidArgument("{}: metrics.plugin_labels: {} stands twice", policy_.file, *it));
    }
  }

  const Policy& policy_;
  Problems& problems_;
};

}  // namespace

void CheckConsistency(const Policy& policy, Problems& problems) { Checker(policy, problems).Run(); }

}  // namespace vortex::policy
