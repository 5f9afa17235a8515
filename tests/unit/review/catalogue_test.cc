// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "review/rules.h"
#include "unit/review/goldens.h"

namespace vortex::review {
namespace {

TEST(CatalogueTest, IdsAndNamesAreUnique) {
  std::set<std::string_view> ids, names;
  for (const Rule* rule : AllRules()) {
    EXPECT_TRUE(ids.insert(rule->id).second) << rule->id;
    EXPECT_TRUE(names.insert(rule->name).second) << rule->name;
    EXPECT_EQ(rule->id.size(), std::string_view("VX-SPEC-0000").size());
    for (const std::string_view text : {rule->field, rule->attack, rule->fix, rule->source})
      EXPECT_FALSE(text.empty()) << rule->id;
  }
}

// VORTEX_UPDATE_GOLDEN=1 writes the page anew.
TEST(CatalogueTest, PageIsWhatTheCodeSays) {
  const auto path = SourceDir() / "docs/reviewer/spec-rules.md";
  if (std::getenv("VORTEX_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << RuleCatalogue();
    return;
  }
  EXPECT_EQ(ReadText(path), RuleCatalogue()) << "./dev golden-rules writes it anew";
}

}  // namespace
}  // namespace vortex::review
