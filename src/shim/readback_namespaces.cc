// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>

#include "shim/egress_network.h"
#include "shim/files.h"
#include "shim/readback_checks.h"

namespace vortex::shim {
namespace {

// The spec's word and the kernel's file.
constexpr std::pair<std::string_view, const char*> kKinds[] = {
    {"cgroup", "cgroup"}, {"ipc", "ipc"},   {"mount", "mnt"}, {"network", "net"},
    {"pid", "pid"},       {"time", "time"}, {"user", "user"}, {"uts", "uts"}};

std::optional<FileId> IdOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return FileId{info.st_dev, info.st_ino};
}

std::string Text(const std::optional<FileId>& id) {
  return id ? "[" + std::to_string(id->inode) + "]" : "unreadable";
}

bool ByContainerId(const SpecIdMapping& a, const SpecIdMapping& b) {
  return a.container < b.container;
}

std::string Text(const std::vector<SpecIdMapping>& mappings) {
  std::string out;
  for (const SpecIdMapping& item : mappings) {
    out += (out.empty() ? "" : ", ") + std::to_string(item.container) + " " +
           std::to_string(item.host) + " " + std::to_string(item.size);
  }
  return out.empty() ? "no mapping" : out;
}

// Links that the kernel itself puts, down, into every network namespace when their drivers are
// built in.
bool IsTunnelTemplate(std::string_view name) {
  for (const std::string_view known : {"tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0",
                                       "ip_vti0", "ip6_vti0", "ip6gre0", "teql0"}) {
    if (name == known) return true;
  }
  return false;
}

}  // namespace

void CheckNamespaces(const std::string& proc, const SpecControls& spec, ControlChecker* checker) {
  std::string seen;
  for (const SpecNamespace& wanted : spec.namespaces) {
    const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                    [&](const auto& row) { return row.first == wanted.type; });
    const std::string name = "namespace " + wanted.type;
    if (kind == std::end(kKinds))
      return checker->Missing(name, "one that this shim knows", wanted.type);
    const std::string file = std::string("/ns/") + kind->second;
    const auto found = IdOf(proc + file);
    if (!wanted.path.empty()) {
      const auto named = IdOf(wanted.path);
      if (!found || found != named)
        return checker->Missing(name, wanted.path + " " + Text(named), Text(found));
    } else {
      // containerd, and with it the shim, may itself be in a container: neither its own nor the
      // machine's will do.
      for (const char* other : {"/proc/self", "/proc/1"}) {
        if (!found || found == IdOf(other + file)) {
          return checker->Missing(
              name, "a new one",
              found ? std::string("that of ") + other + " " + Text(found) : Text(found));
        }
      }
    }
    seen += (seen.empty() ? "" : ", ") + wanted.type + Text(found);
  }
  if (!seen.empty()) checker->Good("namespaces", seen);
}

std::vector<SpecIdMapping> ParseIdMap(std::string_view text) {
  std::vector<SpecIdMapping> out;
  while (!text.empty()) {
    std::string_view line = NextLine(&text);
    std::uint64_t numbers[3] = {};
    int count = 0;
    for (const std::string_view word : Split(line, ' ')) {
      if (const auto number = ParseNumber(word); number && count < 3) numbers[count++] = *number;
    }
    if (count == 3) out.push_back({numbers[0], numbers[1], numbers[2]});
  }
  std::sort(out.begin(), out.end(), ByContainerId);
  return out;
}

void CheckIdMaps(const std::string& proc, const SpecControls& spec, ControlChecker* checker) {
  if (spec.uid_mappings.empty() && spec.gid_mappings.empty()) return;
  for (const char* kind : {"uid", "gid"}) {
    auto wanted = kind[0] == 'u' ? spec.uid_mappings : spec.gid_mappings;
    std::sort(wanted.begin(), wanted.end(), ByContainerId);
    const auto found = ParseIdMap(ReadFile(proc + "/" + kind + "_map", 64 << 10).value_or(""));
    std::string seen = Text(found);
    // Setting groups takes CAP_SETGID in the namespace, which no job has by default.
    if (kind[0] == 'g') {
      seen += ", setgroups ";
      seen += Trim(ReadFile(proc + "/setgroups", 64).value_or("unknown"));
    }
    checker->Switch(kind[0] == 'u' ? "uid map" : "gid map", found == wanted, Text(wanted),
                    std::move(seen));
  }
}

std::vector<std::string> LinkNames(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::string_view line = NextLine(&text);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && line.find('|') == std::string_view::npos) {
      names.emplace_back(Trim(line.substr(0, colon)));
    }
  }
  return names;
}

void CheckLinks(const Container& container, const std::string& proc, ControlChecker* checker) {
  const OciConfig& config = container.config;
  const bool linked = HasEgressLink(config);
  if (!config.own_network_namespace || (!config.network_path.empty() && !linked)) return;
  std::string names;
  bool only_loopback = true;
  for (const std::string& name : LinkNames(ReadFile(proc + "/net/dev", 1 << 20).value_or(""))) {
    if (name != "lo" && !IsTunnelTemplate(name)) only_loopback = false;
    if (!names.empty()) names += ' ';
    names += name;
  }
  if (linked && !InNamespace(proc, config.network_path)) {
    return checker->Missing("network", "the namespace with the egress proxy", "another one");
  }
  checker->Switch("network", only_loopback && !names.empty(), "lo alone", names);
}

}  // namespace vortex::shim
