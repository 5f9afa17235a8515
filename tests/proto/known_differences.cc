// SPDX-License-Identifier: Apache-2.0
#include "proto/known_differences.h"

#include <algorithm>

namespace vortex::proto_test {
namespace {

// 1.7 stands for 1.7.24 and cgroups 3.0 for 3.0.3: the versions in Debian 13, where they were seen.
// The first patch release of each line may have fewer.
const std::vector<Newer> kNewer = {
    {"containerd.events.SnapshotCommit#5", {1, 7}},
    {"containerd.events.SnapshotPrepare#5", {1, 7}},
    {"containerd.events.SnapshotRemove#5", {1, 7}},
    {"containerd.services.containers.v1.Container#11", {1, 7}},
    {"containerd.services.diff.v1.ApplyRequest#4", {1, 7}},
    {"containerd.services.diff.v1.DiffRequest#6", {1, 7}},
    {"containerd.services.images.v1.CreateImageRequest#2", {1, 7}},
    {"containerd.services.images.v1.UpdateImageRequest#3", {1, 7}},
    {"containerd.services.introspection.v1.DeprecationWarning", {1, 7}},
    {"containerd.services.introspection.v1.ServerResponse#2", {1, 7}},
    {"containerd.services.introspection.v1.ServerResponse#3", {1, 7}},
    {"containerd.services.introspection.v1.ServerResponse#4", {1, 7}},
    {"runtimeoptions.v1.Options#3", {1, 7}},
    {"containerd.runc.v1.Options#12", {2, 0}},
    {"containerd.runc.v1.Options#13", {2, 0}},
    {"io.containerd.cgroups.v2.CPUStat#7", {3, 0}},
    {"io.containerd.cgroups.v2.IOStat#2", {3, 0}},
    {"io.containerd.cgroups.v2.MemoryStat#36", {3, 0}},
    {"io.containerd.cgroups.v2.MemoryStat#37", {3, 0}},
    {"io.containerd.cgroups.v2.MemoryStat#38", {3, 0}},
    {"io.containerd.cgroups.v2.PSIData", {3, 0}},
    {"io.containerd.cgroups.v2.PSIStats", {3, 0}},
};

const std::vector<Different> kDifferent = {
    {"containerd.services.introspection.v1.Plugin#3", "required_plugins LABEL_REPEATED TYPE_STRING",
     "requires LABEL_REPEATED TYPE_STRING", "requires is a C++20 keyword"},
    {"ttrpc.Response#1", "status LABEL_OPTIONAL TYPE_MESSAGE .google.rpc.Status",
     "status LABEL_OPTIONAL TYPE_MESSAGE .Status",
     "ttrpc's own .proto has a stand-in; its Go code sends a google.rpc.Status"},
};

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool IsKnownNewer(std::string_view key, Version packaged) {
  return std::any_of(kNewer.begin(), kNewer.end(), [&](const Newer& newer) {
    if (newer.since <= packaged) return false;
    return key == newer.key || (StartsWith(key, newer.key) && key[newer.key.size()] == '#' &&
                                newer.key.find('#') == std::string_view::npos);
  });
}

bool Is(const WireTable& table, std::string_view key, std::string_view fact) {
  const auto entry = table.find(std::string(key));
  return entry != table.end() && entry->second.name + " " + entry->second.value == fact;
}

bool IsKnownDifferent(std::string_view key, const WireTable& ours, const WireTable& theirs) {
  return std::any_of(kDifferent.begin(), kDifferent.end(), [&](const Different& different) {
    return key == different.key && Is(ours, key, different.ours) &&
           Is(theirs, key, different.theirs);
  });
}

}  // namespace

Component ComponentOf(std::string_view key) {
  if (StartsWith(key, "io.containerd.cgroups.")) return Component::kCgroups;
  if (StartsWith(key, "ttrpc.")) return Component::kTtrpc;
  if (StartsWith(key, "vortex.")) return Component::kOurs;
  // google.rpc.Status too: containerd's introspection imports it.
  return Component::kContainerd;
}

const std::vector<Newer>& NewerFacts() { return kNewer; }
const std::vector<Different>& DifferentFacts() { return kDifferent; }

std::vector<Difference> Unexpected(const std::vector<Difference>& differences,
                                   const WireTable& ours, const WireTable& theirs,
                                   Version packaged) {
  std::vector<Difference> unexpected;
  for (const Difference& difference : differences) {
    // "Newer" excuses only what is absent on their side; a changed field is never excused by it.
    const bool absent = theirs.find(difference.key) == theirs.end();
    if (absent && IsKnownNewer(difference.key, packaged)) continue;
    if (IsKnownDifferent(difference.key, ours, theirs)) continue;
    unexpected.push_back(difference);
  }
  return unexpected;
}

}  // namespace vortex::proto_test
