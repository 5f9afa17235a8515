// SPDX-License-Identifier: Apache-2.0
// Over many policies, manifests and requests, made of few names so that they meet often.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>

#include "policy/fields.h"
#include "policy/gate.h"
#include "policy/limit_fields.h"
#include "unit/policy/policies.h"

namespace vortex::policy {
namespace {

using Random = std::mt19937_64;

const std::vector<std::string> kIds = {"a", "b"};
const std::vector<std::string> kDigests = {"", kDigestA, kDigestB};
const std::vector<std::string> kCapabilities = {"CAP_CHOWN", "CAP_KILL"};
const std::vector<std::string> kGpus = {"x.com/gpu=0", "x.com/gpu=1"};
const std::vector<std::string> kHosts = {"*.example.com", "a.example.com", "*.a.example.com",
                                         "b.a.example.com", "other.org"};

template <typename T>
const T& Pick(Random& random, const std::vector<T>& list) {
  return list[random() % list.size()];
}

template <typename T>
std::vector<T> Some(Random& random, const std::vector<T>& list) {
  std::vector<T> out;
  for (const T& item : list) {
    if (random() % 3 == 0) out.push_back(item);
  }
  return out;
}

template <typename T>
T Between(Random& random, T least, T most) {
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>)
    return T(std::uniform_int_distribution<std::int64_t>(least.count(), most.count())(random));
  else
    return std::uniform_int_distribution<T>(least, most)(random);
}

LimitRequest AnyLimits(Random& random, int one_in) {
  LimitRequest out;
  ForEachLimit([&](const auto& limit) {
    if (random() % static_cast<unsigned>(one_in) == 0)
      out.*limit.asked =
          Between(random, MinimumLimits().*limit.given, MaximumLimits().*limit.given);
  });
  return out;
}

void AnyTier(Random& random, Tier& tier) {
  ForEachLimit([&](const auto& limit) {
    auto& most = tier.maximum_limits.*limit.given;
    most = Between(random, MinimumLimits().*limit.given, MaximumLimits().*limit.given);
    tier.default_limits.*limit.given = Between(random, MinimumLimits().*limit.given, most);
  });
  tier.runtime_classes = Some(random, BuiltInPolicy().trusted.runtime_classes);
  if (tier.runtime_classes.empty()) tier.runtime_classes = {oci::RuntimeClass::kRunc};
}

void AnyEntry(Random& random, Entry& entry) {
  entry.plugin = Pick(random, kIds);
  entry.digest = Pick(random, kDigests);
  if (random() % 3 == 0)
    entry.expires = Ready().today + std::chrono::days(static_cast<int>(random() % 3) - 1);
}

AllowEntry AnyAllow(Random& random) {
  AllowEntry entry;
  AnyEntry(random, entry);
  entry.capabilities = Some(random, kCapabilities);
  entry.gpus = Some(random, kGpus);
  for (const std::string& host : Some(random, kHosts)) entry.egress.push_back({host, 443});
  if (random() % 4 == 0) entry.mounts = {{"/srv/x", "/mnt/x"}};
  entry.limits = AnyLimits(random, 3);
  return entry;
}

DenyEntry AnyDeny(Random& random) {
  DenyEntry entry;
  entry.reason = "because";
  if (random() % 2 == 0) entry.plugin = Pick(random, kIds);
  if (random() % 3 == 0) entry.digest = Pick(random, kDigests);
  entry.capabilities = Some(random, kCapabilities);
  entry.gpus = Some(random, kGpus);
  entry.hosts = Some(random, kHosts);
  if (random() % 3 == 0) entry.runtime_classes = {oci::RuntimeClass::kRunc};
  // One that says nothing is not in any file.
  if (entry.Whole() && entry.plugin.empty() && entry.digest.empty()) entry.plugin = "b";
  return entry;
}

Policy AnyPolicy(Random& random, bool with_denials = true) {
  Policy policy = BuiltInPolicy();
  policy.file = "p.yaml";
  policy.allow_untrusted = random() % 3 != 0;
  AnyTier(random, policy.untrusted);
  AnyTier(random, policy.trusted);
  for (auto i = random() % 3; i > 0; --i) AnyEntry(random, policy.trust.emplace_back());
  for (auto i = random() % 4; i > 0; --i) policy.allow.push_back(AnyAllow(random));
  if (with_denials)
    for (auto i = random() % 2; i > 0; --i) policy.deny.push_back(AnyDeny(random));
  return policy;
}

Manifest AnyManifest(Random& random) {
  Manifest manifest = Plugin();
  manifest.id = Pick(random, kIds);
  if (random() % 3 == 0) manifest.capabilities = {Pick(random, kCapabilities)};
  if (random() % 4 == 0) manifest.gpus = {Pick(random, kGpus)};
  if (random() % 3 == 0) manifest.network = {{Pick(random, kHosts), 443}};
  manifest.limits = AnyLimits(random, 8);
  return manifest;
}

bool Contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Everything that `inner` gives is within what `outer` gives.
void ExpectWithin(const Grant& inner, const Grant& outer) {
  ForEachLimit([&](const auto& limit) {
    EXPECT_LE(inner.limits.*limit.given, outer.limits.*limit.given) << limit.name;
  });
  for (const std::string& name : inner.capabilities)
    EXPECT_TRUE(Contains(outer.capabilities, name));
  for (const std::string& name : inner.gpus) EXPECT_TRUE(Contains(outer.gpus, name));
  for (const NetworkRule& rule : inner.network) {
    EXPECT_TRUE(std::any_of(outer.network.begin(), outer.network.end(), [&](const auto& other) {
      return other.port == rule.port && Covers(other.host, rule.host);
    }));
  }
  for (const std::string& host : outer.denied_hosts)
    EXPECT_TRUE(Contains(inner.denied_hosts, host));
  EXPECT_LE(inner.mounts.size(), outer.mounts.size());
}

constexpr int kRounds = 10'000;

// The operator's entries may be there or not: what is given never exceeds what they name, and the
// maximum of the level.
TEST(PolicyPropertyTest, AGrantIsWithinTheMaximaAndWhatEntriesName) {
  Random random(1);
  int granted = 0;
  for (int i = 0; i < kRounds; ++i) {
    const Policy policy = AnyPolicy(random);
    const Manifest manifest = AnyManifest(random);
    const Decision decision = Gate(manifest, {}, policy, Ready());
    if (!decision.grant.ok()) continue;
    ++granted;
    const Grant& grant = *decision.grant;
    const Tier& tier = grant.trusted ? policy.trusted : policy.untrusted;
    EXPECT_TRUE(grant.trusted || policy.allow_untrusted);
    std::vector<const AllowEntry*> entries;
    for (const AllowEntry& entry : policy.allow) {
      if (entry.plugin == manifest.id && (entry.digest.empty() || entry.digest == kDigestA) &&
          (!entry.expires || *entry.expires > Ready().today))
        entries.push_back(&entry);
    }
    ForEachLimit([&](const auto& limit) {
      auto most = tier.maximum_limits.*limit.given;
      for (const AllowEntry* entry : entries)
        most = std::max(most, (entry->limits.*limit.asked).value_or(most));
      EXPECT_LE(grant.limits.*limit.given, most);
      EXPECT_LE(most, MaximumLimits().*limit.given);
    });
    const auto named = [&](const auto& gives) {
      return std::any_of(entries.begin(), entries.end(),
                         [&](auto* entry) { return gives(*entry); });
    };
    for (const std::string& name : grant.capabilities)
      EXPECT_TRUE(named([&](const auto& entry) { return Contains(entry.capabilities, name); }));
    for (const std::string& name : grant.gpus)
      EXPECT_TRUE(named([&](const auto& entry) { return Contains(entry.gpus, name); }));
    for (const NetworkRule& rule : grant.network)
      EXPECT_TRUE(named([&](const AllowEntry& entry) {
        return std::any_of(entry.egress.begin(), entry.egress.end(),
                           [&](const auto& egress) { return Covers(egress.host, rule.host); });
      }));
    EXPECT_NE(
        std::find(tier.runtime_classes.begin(), tier.runtime_classes.end(), grant.runtime_class),
        tier.runtime_classes.end());
  }
  EXPECT_GT(granted, kRounds / 20) << "too few of the cases are grants to say something";
}

// Below `limits` in some of them, in one at least.
LimitRequest Narrowed(Random& random, const LimitSet& limits) {
  LimitRequest out;
  const auto forced = random() % 6;
  unsigned index = 0;
  ForEachLimit([&](const auto& limit) {
    const bool narrow = index++ == forced || random() % 3 == 0;
    if (narrow)
      out.*limit.asked = Between(random, MinimumLimits().*limit.given, limits.*limit.given);
  });
  return out;
}

bool AnyBelow(const LimitSet& inner, const LimitSet& outer) {
  bool below = false;
  ForEachLimit(
      [&](const auto& limit) { below = below || inner.*limit.given < outer.*limit.given; });
  return below;
}

// Two requests, one within the other, of a plugin that runs: made from what the gate gives, so that
// nearly every case narrows something.
TEST(PolicyPropertyTest, NarrowingARequestNeverWidensTheGrant) {
  Random random(2);
  int drawn = 0, compared = 0, narrowed = 0, privileged = 0;
  for (; compared < kRounds && drawn < 20 * kRounds; ++drawn) {
    const Policy policy = AnyPolicy(random);
    const Manifest manifest = AnyManifest(random);
    const auto all = Gate(manifest, {}, policy, Ready()).grant;
    if (!all.ok()) continue;
    ++compared;
    RunRequest wide{.limits = Narrowed(random, all->limits)}, narrow;
    const auto outer = Gate(manifest, wide, policy, Ready()).grant;
    ASSERT_TRUE(outer.ok()) << outer.status();
    narrow.limits = Narrowed(random, outer->limits);
    const auto inner = Gate(manifest, narrow, policy, Ready()).grant;
    ASSERT_TRUE(inner.ok()) << inner.status();
    ExpectWithin(*outer, *all);
    ForEachLimit([&](const auto& limit) {
      const auto given = inner->limits.*limit.given;
      EXPECT_EQ(given, (narrow.limits.*limit.asked).value_or(given)) << limit.name;
    });
    RunRequest both = wide;
    ForEachLimit([&](const auto& limit) {
      if (const auto& asked = narrow.limits.*limit.asked) both.limits.*limit.asked = *asked;
    });
    const auto within = Gate(manifest, both, policy, Ready()).grant;
    ASSERT_TRUE(within.ok()) << within.status();
    ExpectWithin(*within, *outer);
    narrowed += AnyBelow(within->limits, outer->limits) ? 1 : 0;
    privileged += outer->network.empty() && outer->capabilities.empty() ? 0 : 1;
  }
  std::printf("%d of %d cases compared, %d narrow, %d with privileges\n", compared, drawn, narrowed,
              privileged);
  EXPECT_EQ(compared, kRounds);
  EXPECT_GT(narrowed, kRounds * 9 / 10);
  EXPECT_GT(privileged, kRounds / 50);
}

// A manifest that runs into that denial, whatever it denies.
Manifest AimedAt(Random& random, const DenyEntry& deny) {
  Manifest manifest = AnyManifest(random);
  if (!deny.plugin.empty()) manifest.id = deny.plugin;
  if (!deny.capabilities.empty()) manifest.capabilities = {Pick(random, deny.capabilities)};
  if (!deny.gpus.empty()) manifest.gpus = {Pick(random, deny.gpus)};
  if (!deny.hosts.empty()) {
    const std::string& host = Pick(random, deny.hosts);
    manifest.network = {
        {host.starts_with("*.") && random() % 2 == 0 ? "x" + host.substr(1) : host, 443}};
  }
  return manifest;
}

// The operator changes their mind in all other places: everything that the manifest asks for is
// allowed by name, the plugin trusted, and more denials stand before and behind.
Policy WithMore(Random& random, Policy policy, const Manifest& manifest) {
  for (auto n = random() % 3; n > 0; --n) policy.deny.insert(policy.deny.begin(), AnyDeny(random));
  for (auto n = random() % 2; n > 0; --n) policy.deny.push_back(AnyDeny(random));
  for (auto n = random() % 3; n > 0; --n) policy.allow.push_back(AnyAllow(random));
  AllowEntry allow;
  allow.plugin = manifest.id;
  allow.reason = "because";
  allow.capabilities = manifest.capabilities;
  allow.gpus = manifest.gpus;
  allow.egress = manifest.network;
  policy.allow.insert(
      policy.allow.begin() + static_cast<long>(random() % (policy.allow.size() + 1)), allow);
  TrustEntry trust;
  trust.plugin = manifest.id;
  trust.digest = random() % 2 == 0 ? kDigestA : "";
  trust.reason = "because";
  policy.trust.push_back(trust);
  policy.allow_untrusted = true;
  return policy;
}

// What one denial refuses stays refused, whatever else is written: more denials, trust, entries.
TEST(PolicyPropertyTest, MorePolicyNeverRemovesADenial) {
  Random random(3);
  int cases = 0;
  std::map<std::string, int> denied;
  for (int i = 0; i < kRounds; ++i) {
    Policy policy = AnyPolicy(random);
    DenyEntry deny = AnyDeny(random);
    if (deny.digest == kDigestB && random() % 4 != 0) deny.digest = kDigestA;
    if (random() % 4 == 0) {
      // The plugin as a whole, by id or by digest.
      DenyEntry whole;
      whole.reason = deny.reason;
      if (random() % 2 == 0)
        whole.digest = kDigestA;
      else
        whole.plugin = Pick(random, kIds);
      deny = whole;
    }
    policy.deny.push_back(deny);
    const Manifest manifest = AimedAt(random, deny);
    const Decision before = Gate(manifest, {}, policy, Ready());
    // An exception within a wildcard is a denial, too.
    const auto hosts = before.grant.ok() ? before.grant->denied_hosts : std::vector<std::string>();
    const Decision after = Gate(manifest, {}, WithMore(random, policy, manifest), Ready());
    bool hit = false;
    for (const RuleDecision& rule : before.rules) {
      // The class is chosen anew where it is not asked for.
      if (rule.outcome != "refused" || !rule.rule.starts_with("deny.") ||
          rule.rule == "deny.runtime_class")
        continue;
      hit = true;
      ++denied[rule.rule];
      EXPECT_FALSE(after.grant.ok()) << rule.rule << ": " << rule.detail;
      // By a denial of the same kind: one for the plugin as a whole may be told as its digest's.
      const bool whole = rule.rule == "deny.plugin" || rule.rule == "deny.digest";
      EXPECT_TRUE(std::any_of(after.rules.begin(), after.rules.end(), [&](const auto& item) {
        return item.outcome == "refused" &&
               (item.rule == rule.rule ||
                (whole && (item.rule == "deny.plugin" || item.rule == "deny.digest")));
      })) << rule.rule;
    }
    cases += hit ? 1 : 0;
    if (before.grant.ok() && after.grant.ok() && !after.grant->network.empty()) {
      for (const std::string& host : hosts) EXPECT_TRUE(Contains(after.grant->denied_hosts, host));
    }
  }
  std::printf("%d of %d cases denied:", cases, kRounds);
  for (const auto& [rule, count] : denied) std::printf(" %s %d", rule.c_str(), count);
  std::printf("\n");
  EXPECT_GT(cases, kRounds * 6 / 10);
  for (const char* rule :
       {"deny.plugin", "deny.digest", "deny.capability", "deny.gpu", "deny.host"}) {
    EXPECT_GT(denied[rule], kRounds / 100) << rule;
  }
}

TEST(PolicyPropertyTest, ADeniedClassIsNeverUsed) {
  Random random(4);
  int granted = 0;
  for (int i = 0; i < kRounds; ++i) {
    Policy policy = AnyPolicy(random);
    DenyEntry deny;
    deny.runtime_classes = {Pick(random, BuiltInPolicy().trusted.runtime_classes)};
    policy.deny.push_back(deny);
    RunRequest request;
    if (random() % 2 == 0) request.runtime_class = deny.runtime_classes[0];
    const auto grant = Gate(AnyManifest(random), request, policy, Ready()).grant;
    if (!grant.ok()) continue;
    ++granted;
    EXPECT_FALSE(request.runtime_class);
    EXPECT_NE(grant->runtime_class, deny.runtime_classes[0]);
  }
  EXPECT_GT(granted, kRounds / 100);
}

// Who is not named by it gets the same; who is, no less.
TEST(PolicyPropertyTest, AnAllowEntryNeverTightens) {
  Random random(5);
  int same = 0, wider = 0;
  for (int i = 0; i < kRounds; ++i) {
    const Policy policy = AnyPolicy(random);
    Policy more = policy;
    const AllowEntry entry = AnyAllow(random);
    more.allow.insert(more.allow.begin() + static_cast<long>(random() % (more.allow.size() + 1)),
                      entry);
    const Manifest manifest = AnyManifest(random);
    const auto before = Gate(manifest, {}, policy, Ready()).grant;
    const auto after = Gate(manifest, {}, more, Ready()).grant;
    if (!before.ok()) {
      EXPECT_TRUE(entry.plugin == manifest.id || !after.ok());
      continue;
    }
    // Two writable places at one path are for the parser to refuse.
    ASSERT_TRUE(after.ok()) << after.status();
    ExpectWithin(*before, *after);
    if (entry.plugin != manifest.id) {
      ExpectWithin(*after, *before);
      ++same;
    } else {
      ++wider;
    }
  }
  EXPECT_GT(same, 100);
  EXPECT_GT(wider, 100);
}

TEST(PolicyPropertyTest, EveryRefusalCarriesItsRuleAndIsInTheList) {
  Random random(6);
  for (int i = 0; i < kRounds; ++i) {
    RunRequest request;
    request.limits = AnyLimits(random, 8);
    const Decision decision = Gate(AnyManifest(random), request, AnyPolicy(random), Ready());
    const auto first =
        std::find_if(decision.rules.begin(), decision.rules.end(),
                     [](const RuleDecision& rule) { return rule.outcome == "refused"; });
    ASSERT_EQ(decision.grant.ok(), first == decision.rules.end());
    if (decision.grant.ok()) continue;
    EXPECT_EQ(Message(decision.grant.status()), "[" + first->rule + "] " + first->detail);
    for (const RuleDecision& rule : decision.rules) EXPECT_FALSE(rule.position.empty());
  }
}

}  // namespace
}  // namespace vortex::policy
