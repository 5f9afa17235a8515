// SPDX-License-Identifier: Apache-2.0
// The gate itself is asked, with one wish at a time, so that a comparison says what runs would see.
#include "policy/compare.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/status.h"
#include "policy/gate.h"
#include "policy/limit_fields.h"

namespace vortex::policy {
namespace {

// No plugin can be called so.
constexpr char kUnnamed[] = "(any other)";

const std::vector<oci::RuntimeClass>& AllClasses() {
  static const std::vector<oci::RuntimeClass> classes = BuiltInPolicy().trusted.runtime_classes;
  return classes;
}

struct Subject {
  std::string plugin;
  std::string digest;
  auto operator<=>(const Subject&) const = default;

  std::string Name() const {
    std::string name = plugin == kUnnamed ? "any other plugin" : plugin;
    return digest.empty() ? name : name + " " + digest;
  }
};

// Everything that is named anywhere in the two policies.
struct Universe {
  std::set<Subject> subjects = {{kUnnamed, ""}};
  std::set<std::string> capabilities, gpus;
  std::set<std::pair<std::string, int>> egress;
};

void Collect(const Policy& policy, Universe& out) {
  const auto subject = [&](const std::string& plugin, const std::string& digest) {
    const std::string name = plugin.empty() ? kUnnamed : plugin;
    out.subjects.insert({name, ""});
    out.subjects.insert({name, digest});
  };
  for (const TrustEntry& entry : policy.trust) subject(entry.plugin, entry.digest);
  for (const AllowEntry& entry : policy.allow) {
    subject(entry.plugin, entry.digest);
    out.capabilities.insert(entry.capabilities.begin(), entry.capabilities.end());
    out.gpus.insert(entry.gpus.begin(), entry.gpus.end());
    for (const NetworkRule& rule : entry.egress) out.egress.insert({rule.host, rule.port});
  }
  for (const DenyEntry& entry : policy.deny) subject(entry.plugin, entry.digest);
}

// Denied names within allowed wildcards are exceptions that no allow entry names.
void CollectExceptions(const Policy& policy, Universe& out) {
  std::set<int> ports;
  for (const auto& [host, port] : out.egress) ports.insert(port);
  for (const DenyEntry& entry : policy.deny) {
    for (const std::string& host : entry.hosts) {
      for (const int port : ports) {
        if (host != "*") out.egress.insert({host, port});
      }
    }
  }
}

// One plugin under one policy: name of the thing → what it is, and a rank that grows with freedom.
struct Standing {
  std::string text;
  std::int64_t rank = 0;
};
using Standings = std::map<std::string, Standing>;

class Asker {
 public:
  Asker(const Policy& policy, const Subject& subject, std::chrono::sys_days today)
      : policy_(policy), subject_(subject) {
    facts_.today = today;
    // Empty stands for a bundle that no entry names; a digest that none has says that.
    facts_.bundle_digest = subject.digest.empty() ? "sha256:other" : subject.digest;
    for (const oci::RuntimeClass item : AllClasses()) facts_.classes.push_back({item, ""});
  }

  Standings AskAll(const Universe& universe) {
    Standings out;
    const Decision plain = Ask(RunRequest());
    const bool trusted = Says(plain, "trust.entry", "trusted");
    const bool runs = !Refused(plain, "deny.plugin") && !Refused(plain, "deny.digest") &&
                      !Refused(plain, "untrusted.refused");
    out["runs"] = runs ? Standing{trusted ? "as trusted" : "as untrusted", trusted ? 2 : 1}
                       : Standing{"refused", 0};
    if (!runs) return out;
    const Tier& tier = trusted ? policy_.trusted : policy_.untrusted;
    AskClasses(out);
    AskLimits(tier, out);
    AskPrivileges(universe, plain, out);
    // Seeing less is no more freedom for the plugin, but less for who watches it.
    out["watch.network"] = OnOff(tier.watch.network);
    out["watch.filesystem"] = OnOff(tier.watch.filesystem);
    return out;
  }

 private:
  static Standing OnOff(bool on) { return {on ? "on" : "off", on ? 0 : 1}; }

  Manifest Wish() const {
    Manifest manifest;
    manifest.id = subject_.plugin;
    return manifest;
  }

  Decision Ask(const RunRequest& request) const { return Ask(Wish(), request); }
  Decision Ask(const Manifest& manifest, const RunRequest& request = {}) const {
    return Gate(manifest, request, policy_, facts_);
  }

  static bool Says(const Decision& decision, std::string_view rule, std::string_view outcome) {
    return std::any_of(decision.rules.begin(), decision.rules.end(), [&](const RuleDecision& item) {
      return item.rule == rule && item.outcome == outcome;
    });
  }
  static bool Refused(const Decision& decision, std::string_view rule) {
    return Says(decision, rule, "refused");
  }

  void AskClasses(Standings& out) const {
    for (const oci::RuntimeClass item : AllClasses()) {
      RunRequest request;
      request.runtime_class = item;
      if (!Refused(Ask(request), "runtime_class.not-allowed") &&
          !Refused(Ask(request), "deny.runtime_class"))
        out["runtime_class " + std::string(oci::Name(item))] = {"allowed", 1};
    }
  }

  void AskLimits(const Tier& tier, Standings& out) const {
    ForEachLimit([&](const auto& limit) {
      auto most = tier.maximum_limits.*limit.given;
      for (const AllowEntry& entry : policy_.allow) {
        const auto& raised = entry.limits.*limit.asked;
        if (!raised || *raised <= most) continue;
        Manifest manifest = Wish();
        manifest.limits.*limit.asked = *raised;
        if (!Refused(Ask(manifest), fmt::format("limits.{}.maximum", limit.name))) most = *raised;
      }
      const auto usual = tier.default_limits.*limit.given;
      const std::string name = std::string("limits.") + limit.name;
      out[name + ".default"] = {limit.format(usual), Rank(usual)};
      out[name + ".maximum"] = {limit.format(most), Rank(most)};
    });
  }
  static std::int64_t Rank(std::int64_t value) { return value; }
  static std::int64_t Rank(std::chrono::milliseconds value) { return value.count(); }

  void AskPrivileges(const Universe& universe, const Decision& plain, Standings& out) const {
    const auto ask_names = [&](const char* field, const auto& names,
                               std::vector<std::string> Manifest::*wish) {
      for (const std::string& name : names) {
        Manifest manifest = Wish();
        manifest.*wish = {name};
        if (Says(Ask(manifest), std::string(field) + ".entry", name))
          out[std::string(field) + " " + name] = {"given", 1};
      }
    };
    ask_names("capabilities", universe.capabilities, &Manifest::capabilities);
    ask_names("gpus", universe.gpus, &Manifest::gpus);
    for (const auto& [host, port] : universe.egress) {
      Manifest manifest = Wish();
      manifest.network = {{host, port}};
      const std::string target = fmt::format("{}:{}", host, port);
      const Decision decision = Ask(manifest);
      if (!Says(decision, "network.entry", target)) continue;
      out["egress " + target] = {"given", 1};
      if (!decision.grant.ok()) continue;
      for (const NetworkRule& rule : decision.grant->network) {
        for (const std::string& range : rule.address_ranges)
          out["egress " + target + " in " + range] = {"given", 1};
      }
    }
    for (const RuleDecision& rule : plain.rules) {
      if (rule.rule == "mounts.entry") out["mount " + rule.outcome] = {"given", 1};
    }
  }

  const Policy& policy_;
  const Subject& subject_;
  NodeFacts facts_;
};

void Compare(const Subject& subject, const Standings& before, const Standings& after,
             std::vector<Change>& out) {
  std::set<std::string> names;
  // Who does not run has nothing; what it would have is not worth a line each.
  const bool both = before.at("runs").rank > 0 && after.at("runs").rank > 0;
  for (const Standings* side : {&before, &after}) {
    for (const auto& [name, standing] : *side) {
      if (both || name == "runs") names.insert(name);
    }
  }
  for (const std::string& name : names) {
    const auto find = [&](const Standings& side) {
      const auto it = side.find(name);
      return it == side.end() ? Standing{"-", 0} : it->second;
    };
    const Standing was = find(before), is = find(after);
    if (was.rank == is.rank) continue;
    out.push_back({subject.Name(), name, was.text, is.text,
                   is.rank > was.rank ? Direction::kLoosens : Direction::kTightens});
  }
}

}  // namespace

std::vector<Change> ComparePolicies(const Policy& before, const Policy& after,
                                    std::chrono::sys_days today) {
  Universe universe;
  for (const Policy* policy : {&before, &after}) Collect(*policy, universe);
  for (const Policy* policy : {&before, &after}) CollectExceptions(*policy, universe);
  std::vector<Change> out;
  for (const Subject& subject : universe.subjects) {
    Compare(subject, Asker(before, subject, today).AskAll(universe),
            Asker(after, subject, today).AskAll(universe), out);
  }
  return out;
}

Manifest AsksForAll(const Policy& policy, const std::string& plugin) {
  Manifest manifest;
  manifest.id = plugin;
  std::set<std::string> seen;
  const auto once = [&](const std::string& name) { return seen.insert(name).second; };
  for (const AllowEntry& entry : policy.allow) {
    if (entry.plugin != plugin) continue;
    for (const std::string& name : entry.capabilities) {
      if (once(name)) manifest.capabilities.push_back(name);
    }
    for (const std::string& name : entry.gpus) {
      if (once(name)) manifest.gpus.push_back(name);
    }
    for (const NetworkRule& rule : entry.egress) {
      if (once(fmt::format("{}:{}", rule.host, rule.port)))
        manifest.network.push_back({rule.host, rule.port});
    }
    ForEachLimit([&](const auto& limit) {
      const auto& raised = entry.limits.*limit.asked;
      auto& asked = manifest.limits.*limit.asked;
      if (raised && (!asked || *asked < *raised)) asked = *raised;
    });
  }
  return manifest;
}

}  // namespace vortex::policy
