// SPDX-License-Identifier: Apache-2.0
#include "sandbox/gc.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/status.h"
#include "cli/commands.h"
#include "cli/node.h"

namespace vortex::cli {
namespace {

// A bundle copy is a cache entry; a week covers plugins that run daily or at weekends.
constexpr std::chrono::hours kBundleAge{7 * 24};

absl::StatusOr<std::vector<sandbox::CollectedItem>> Collect(const Args& args) {
  VX_ASSIGN_OR_RETURN(const auto client, Connect(args));
  VX_ASSIGN_OR_RETURN(const auto cgroups, sandbox::CgroupHost::Detect());
  return sandbox::CollectGarbage(*client, cgroups, args.options, kBundleAge);
}

void PrintItem(const sandbox::CollectedItem& item) {
  fmt::print("{} {}: removed {}\n", item.kind, item.name,
             item.removed.empty() ? "nothing" : fmt::format("{}", fmt::join(item.removed, ", ")));
  for (const std::string& leftover : item.leftovers) fmt::print("  left: {}\n", leftover);
}

}  // namespace

int CollectLeftovers(const Args& args) {
  const auto items = Collect(args);
  if (!items.ok()) return Fail(items.status());
  bool all_removed = true;
  auto json = nlohmann::ordered_json::array();
  for (const sandbox::CollectedItem& item : *items) {
    all_removed = all_removed && item.leftovers.empty();
    if (args.json) {
      json.push_back({{"kind", item.kind},
                      {"name", item.name},
                      {"removed", item.removed},
                      {"leftovers", item.leftovers}});
    } else {
      PrintItem(item);
    }
  }
  if (args.json) {
    std::printf("%s\n", json.dump().c_str());
  } else if (items->empty()) {
    std::printf("nothing to collect\n");
  }
  return all_removed ? 0 : 1;
}

}  // namespace vortex::cli
