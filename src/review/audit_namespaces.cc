// SPDX-License-Identifier: Apache-2.0
// Namespaces and user mappings.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "review/audit_context.h"

namespace vortex::review {
namespace {

constexpr const char* kTypes[] = {"pid", "mount", "network", "ipc", "uts", "cgroup", "user"};

void AuditJoined(AuditContext& audit, const Node& item, const std::string& type) {
  const Node path = item["path"];
  if (path.Text().empty()) return;
  const std::string normal = NormalPath(path.Text());
  if (Within(normal, "/proc/1")) {
    audit.Add("namespaces.joined", path,
              fmt::format("joins {}, the host's own {} namespace", path.Text(), type),
              Severity::kCritical);
  } else if (type == "network") {
    audit.Add("namespaces.joined-network", path, fmt::format("joins {}", path.Text()));
  } else {
    audit.Add("namespaces.joined", path,
              fmt::format("joins the {} namespace {}", type, path.Text()));
  }
}

struct Range {
  Node node;
  std::int64_t inside, outside, size;
};

bool Overlap(std::int64_t a, std::int64_t a_size, std::int64_t b, std::int64_t b_size) {
  return a < b + b_size && b < a + a_size;
}

void AuditMappings(AuditContext& audit, const char* field) {
  const Node list = audit.root()["linux"][field];
  const bool user = audit.HasNewNamespace("user");
  std::vector<Range> ranges;
  for (const Node& item : list.Items()) {
    constexpr std::int64_t kMost = std::int64_t{1} << 40;  // far past any id; keeps sums in range
    const auto number = [&](const char* key) {
      return std::clamp<std::int64_t>(item[key].Int().value_or(0), 0, kMost);
    };
    ranges.push_back({item, number("containerID"), number("hostID"), number("size")});
  }
  if (ranges.empty()) {
    if (user)
      audit.Add("usermap.missing", list, fmt::format("no {} for the new user namespace", field));
    return;
  }
  if (!audit.HasNamespace("user"))
    audit.Add("usermap.without-namespace", list, "there is no user namespace to map for");
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const Range& range = ranges[i];
    if (range.outside == 0 && range.size > 0) {
      audit.Add("usermap.host-root", range.node,
                fmt::format("id {} inside is 0 on the host", range.inside));
    } else if (range.outside < 65536) {
      audit.Add("usermap.host-users", range.node,
                fmt::format("host ids {} to {}", range.outside, range.outside + range.size - 1));
    }
    if (range.size > 65536)
      audit.Add("usermap.large", range.node["size"], fmt::format("{} ids", range.size));
    for (std::size_t j = 0; j < i; ++j) {
      if (Overlap(range.inside, range.size, ranges[j].inside, ranges[j].size) ||
          Overlap(range.outside, range.size, ranges[j].outside, ranges[j].size)) {
        audit.Add("usermap.overlap", range.node,
                  fmt::format("has ids in common with {}", ranges[j].node.path()));
        break;
      }
    }
  }
}

}  // namespace

void AuditNamespaces(AuditContext& audit) {
  const Node list = audit.root()["linux"]["namespaces"];
  std::map<std::string, int> seen;
  for (const Node& item : list.Items()) {
    const std::string& type = item["type"].Text();
    const bool known =
        type == "time" || std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
    if (!known) {
      audit.Add("namespaces.malformed", item, fmt::format("\"{}\" is no type of namespace", type));
    } else if (++seen[type] > 1) {
      audit.Add("namespaces.malformed", item, fmt::format("{} is there twice", type));
    }
    AuditJoined(audit, item, type);
  }
  for (const std::string type : kTypes) {
    if (seen.contains(type)) continue;
    std::optional<Severity> severity;
    // Without a capability and with no way to get one, the host's user namespace is worth less.
    if (type == "user" && audit.root()["process"]["user"]["uid"].Int().value_or(0) == 0)
      severity = Severity::kHigh;
    audit.Add("namespaces.host-" + type, list,
              fmt::format("no {} namespace: the runtime's is used", type), severity);
  }
  AuditMappings(audit, "uidMappings");
  AuditMappings(audit, "gidMappings");
}

}  // namespace vortex::review
