// SPDX-License-Identifier: Apache-2.0
// Every loosening of a golden spec is seen: by the audit where it stands for itself, and by the
// diff always; taken back, it tightens. A survivor is a failure.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "review/audit.h"
#include "review/diff.h"
#include "unit/review/goldens.h"
#include "unit/review/mutants.h"

namespace vortex::review {
namespace {

// What an audit says, as rule, severity and words: whatever a mutant adds to it was seen.
std::multiset<std::string> Said(const AuditReport& report) {
  std::multiset<std::string> out;
  for (const Finding& finding : report.findings)
    out.insert(std::string(finding.rule->id) + std::string(Name(finding.severity)) + finding.path +
               finding.message);
  return out;
}

bool AddsTo(const AuditReport& golden, const AuditReport& mutant) {
  const auto before = Said(golden), after = Said(mutant);
  return !std::includes(before.begin(), before.end(), after.begin(), after.end());
}

std::map<Direction, int> Directions(const Value& a, const Value& b) {
  std::map<Direction, int> out;
  for (const Change& change : DiffSpecs(a, b, {}).changes) ++out[change.direction];
  return out;
}

TEST(MutationTest, NoLooseningSurvives) {
  constexpr int kTurns = 40;
  int turn = 0;
  int mutants = 0, by_audit = 0, survivors = 0, not_reversed = 0;
  for (const auto& path : Goldens()) {
    const nlohmann::json golden = nlohmann::json::parse(ReadText(path));
    const Value golden_value = ParseJson(golden.dump()).value();
    const std::string runtime_class = golden.at("annotations").at("io.vortex.runtime-class");
    const AuditReport golden_report = AuditSpec(golden_value, runtime_class);
    // All of them take minutes under sanitizers, so the goldens share them; VORTEX_ALL_MUTANTS=1
    // takes all of each.
    const bool whole = std::getenv("VORTEX_ALL_MUTANTS") != nullptr;
    const int step = whole ? 1 : kTurns;
    EachLoosening(golden, whole ? 0 : turn++ % kTurns, step, [&](const Mutant& mutant) {
      ++mutants;
      const Value value = ParseJson(mutant.spec.dump()).value();
      by_audit += AddsTo(golden_report, AuditSpec(value, runtime_class)) ? 1 : 0;
      auto there = Directions(golden_value, value);
      if (there[Direction::kLoosens] == 0) {
        ++survivors;
        ADD_FAILURE() << path.filename() << ": " << mutant.what << " loosens nothing";
      }
      auto back = Directions(value, golden_value);
      if (back[Direction::kTightens] == 0 || back[Direction::kLoosens] > 0) {
        ++not_reversed;
        ADD_FAILURE() << path.filename() << ": " << mutant.what << ", taken back: tightens "
                      << back[Direction::kTightens] << ", loosens " << back[Direction::kLoosens];
      }
    });
  }
  std::printf(
      "mutants %d, seen by the audit alone %d, by the diff %d, survivors %d, not tightened when "
      "taken back %d\n",
      mutants, by_audit, mutants - survivors, survivors, not_reversed);
  EXPECT_GT(mutants, 500);
}

}  // namespace
}  // namespace vortex::review
