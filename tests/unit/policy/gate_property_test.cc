// SPDX-License-Identifier: Apache-2.0
// Over many manifests and requests: whatever the gate gives is within what each side allows.
#include <gtest/gtest.h>

#include <random>

#include "policy/gate.h"
#include "unit/policy/policies.h"

namespace vortex::policy {
namespace {

// Values around the edges are as likely as those between.
std::optional<std::int64_t> Ask(std::mt19937_64& random, std::int64_t least, std::int64_t most) {
  switch (random() % 6) {
    case 0:
      return std::nullopt;
    case 1:
      return least - 1 + static_cast<std::int64_t>(random() % 3);
    case 2:
      return most - 1 + static_cast<std::int64_t>(random() % 3);
    case 3:
      return static_cast<std::int64_t>(random());
    default:
      return std::uniform_int_distribution<std::int64_t>(least, most)(random);
  }
}

LimitRequest AnyLimits(std::mt19937_64& random) {
  const LimitSet least = MinimumLimits();
  const LimitSet most = MaximumLimits();
  LimitRequest out;
  // Each is asked for in a third of the cases, or nearly all would be refused for one of six.
  const auto ask = [&](auto LimitRequest::*asked, auto LimitSet::*given) {
    if (random() % 3 == 0) out.*asked = Ask(random, least.*given, most.*given);
  };
  ask(&LimitRequest::memory_bytes, &LimitSet::memory_bytes);
  ask(&LimitRequest::millicpus, &LimitSet::millicpus);
  ask(&LimitRequest::pids, &LimitSet::pids);
  ask(&LimitRequest::tmp_bytes, &LimitSet::tmp_bytes);
  ask(&LimitRequest::output_bytes, &LimitSet::output_bytes);
  if (random() % 3 == 0) {
    const auto budget = Ask(random, least.budget.count(), most.budget.count());
    if (budget) out.budget = std::chrono::milliseconds(*budget);
  }
  return out;
}

template <typename T>
void ExpectBounded(const Manifest& manifest, const RunRequest& request, const Grant& grant,
                   std::optional<T> LimitRequest::*asked, T LimitSet::*given) {
  const T value = grant.limits.*given;
  EXPECT_GE(value, MinimumLimits().*given);
  EXPECT_LE(value, MaximumLimits().*given);
  const T before = (manifest.limits.*asked).value_or(DefaultLimits().*given);
  EXPECT_LE(value, before) << "a request has widened what the manifest or the default gives";
  EXPECT_EQ(value, (request.limits.*asked).value_or(before));
}

template <typename Check>
void ForEveryLimit(const Check& check) {
  check(&LimitRequest::memory_bytes, &LimitSet::memory_bytes);
  check(&LimitRequest::millicpus, &LimitSet::millicpus);
  check(&LimitRequest::pids, &LimitSet::pids);
  check(&LimitRequest::tmp_bytes, &LimitSet::tmp_bytes);
  check(&LimitRequest::output_bytes, &LimitSet::output_bytes);
  check(&LimitRequest::budget, &LimitSet::budget);
}

TEST(GatePropertyTest, ARequestNeverWidensAndAGrantIsNeverOutOfRange) {
  std::mt19937_64 random(20'220'515);
  int granted = 0;
  for (int i = 0; i < 20'000; ++i) {
    Manifest manifest;
    manifest.id = "a";
    manifest.version = "1.0.0";
    manifest.entrypoint = Entrypoint{"a", "run"};
    manifest.limits = AnyLimits(random);
    const RunRequest request{.limits = AnyLimits(random)};
    const auto grant = Gate(manifest, request, Open(), Ready()).grant;
    if (!grant.ok()) continue;
    ++granted;
    ForEveryLimit(
        [&](auto asked, auto given) { ExpectBounded(manifest, request, *grant, asked, given); });
  }
  EXPECT_GT(granted, 1000) << "too few of the cases are grants to say something";
}

// What is granted may be asked for again, and is then granted as it is.
TEST(GatePropertyTest, AskingForTheGrantGivesTheGrant) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 5'000; ++i) {
    Manifest manifest;
    manifest.id = "a";
    manifest.limits = AnyLimits(random);
    const auto first = Gate(manifest, {}, Open(), Ready()).grant;
    if (!first.ok()) continue;
    RunRequest again;
    ForEveryLimit([&](auto asked, auto given) { again.limits.*asked = first->limits.*given; });
    const auto second = Gate(manifest, again, Open(), Ready()).grant;
    ASSERT_TRUE(second.ok()) << second.status();
    ForEveryLimit(
        [&](auto, auto given) { EXPECT_EQ(second->limits.*given, first->limits.*given); });
  }
}

}  // namespace
}  // namespace vortex::policy
