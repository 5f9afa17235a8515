// SPDX-License-Identifier: Apache-2.0
// Facts of the linux section but for seccomp, which is compared by what it lets through.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "review/audit_context.h"
#include "review/device_model.h"
#include "review/facts.h"

namespace vortex::review {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

void NamespaceFacts(const Node& list, FactWriter& facts) {
  for (const Node& item : list.Items()) {
    const std::string& type = item["type"].Text();
    const std::string& path = item["path"].Text();
    // Without an entry it is the host's, which is the highest.
    facts.Ceiling("linux.namespaces " + type, item, path.empty() ? 0 : 1,
                  path.empty() ? "new" : "joined");
    if (!path.empty()) facts.Detail("linux.namespaces " + type + " path", item["path"], true);
  }
}

void MappingFacts(const Node& list, const char* field, FactWriter& facts) {
  if (!list) return;
  double size = 0;
  std::string where;
  for (const Node& item : list.Items()) {
    const auto host = item["hostID"].Int().value_or(0);
    size += static_cast<double>(std::max<std::int64_t>(item["size"].Int().value_or(0), 0));
    where += fmt::format("{}{} to {}", where.empty() ? "" : ", ",
                         item["containerID"].Int().value_or(0), host);
    if (host == 0) facts.Grant(fmt::format("linux.{}: root of the host", field), item);
    if (host < 65536) facts.Grant(fmt::format("linux.{}: users of the host", field), item);
  }
  facts.Ceiling(fmt::format("linux.{} size", field), list, size, fmt::format("{:.0f}", size));
  Fact fact;
  fact.kind = FactKind::kUnknown;
  fact.value = where;
  fact.run_field = true;
  fact.path = list.path();
  fact.at = list.at();
  fact.parent = fmt::format("linux.{} size", field);
  facts.Put(fmt::format("linux.{} from", field), std::move(fact));
}

void DeviceFacts(const Node& root, FactWriter& facts) {
  for (const Node& device : root["linux"]["devices"].Items()) {
    const std::string key = "linux.devices " + device["path"].Text();
    facts.Grant(key, device);
    facts.Under(key);
    for (const char* part : {"type", "major", "minor", "uid", "gid"})
      facts.Unknown(fmt::format("{} {}", key, part), device[part]);
    facts.Mode(key, device["fileMode"], device["fileMode"].Int().value_or(0666), 07777);
    facts.Under("");
  }
  const Node rules = root["linux"]["resources"]["devices"];
  for (const Node& rule : rules.Items()) {
    const std::string& type = rule["type"].Text();
    const bool known = (type.empty() || type == "a" || type == "b" || type == "c") &&
                       rule["access"].Text().find_first_not_of("rwm") == std::string::npos;
    if (!known)
      facts.Unknown("linux.resources.devices not understood: " + Compact(*rule.value()), rule);
  }
  const DeviceModel model(rules);
  const auto put = [&](FactKind kind, const std::string& key, const std::string& path,
                       Position at) {
    Fact fact;
    fact.kind = kind;
    fact.value = "yes";
    fact.path = path;
    fact.at = at;
    facts.Put(key, std::move(fact));
  };
  if (model.allow_by_default)
    put(FactKind::kGrant, "linux.resources.devices: all by default", model.path, model.at);
  for (const auto& [states, kind, word] : {std::tuple(&model.allowed, FactKind::kGrant, "allowed"),
                                           {&model.denied, FactKind::kGuard, "refused"}}) {
    for (const DeviceState& state : *states) {
      for (const char c : state.access)
        put(kind, fmt::format("linux.resources.devices: {} {} {}", state.key.Text(), c, word),
            state.path, state.at);
    }
  }
}

// "0-3,5" as single numbers; nothing when it is no such list or longer than any machine.
std::optional<std::set<std::int64_t>> CpuSet(const std::string& text) {
  std::set<std::int64_t> out;
  std::size_t at = 0;
  const auto number = [&]() -> std::int64_t {
    std::int64_t value = -1;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && value < 100'000)
      value = std::max<std::int64_t>(value, 0) * 10 + (text[at++] - '0');
    return value;
  };
  while (at < text.size()) {
    const std::int64_t first = number();
    std::int64_t last = first;
    if (at < text.size() && text[at] == '-') {
      ++at;
      last = number();
    }
    if (first < 0 || last < first || last > 8192) return std::nullopt;
    for (std::int64_t n = first; n <= last; ++n) out.insert(n);
    if (at < text.size() && text[at++] != ',') return std::nullopt;
  }
  return out;
}

void CpuFacts(const Node& cpu, FactWriter& facts) {
  const std::string key = "linux.resources.cpu.";
  const double quota = static_cast<double>(Limit(cpu["quota"]).value_or(0));
  const double period =
      static_cast<double>(std::max<std::int64_t>(cpu["period"].Int().value_or(100'000), 1));
  if (quota > 0)
    facts.Ceiling(key + "quota of period", cpu["quota"], quota / period,
                  fmt::format("{:.3f} cpus", quota / period));
  facts.Neutral(key + "period", cpu["period"]);
  // Absent shares are the default of 1024, and no burst or real time.
  const auto shares = cpu["shares"].Int().value_or(1024);
  facts.Ceiling(key + "shares", cpu["shares"], static_cast<double>(shares), std::to_string(shares));
  for (const char* part : {"burst", "realtimeRuntime"}) {
    const auto value = cpu[part].Int().value_or(0);
    facts.Ceiling(key + part, cpu[part], static_cast<double>(value), std::to_string(value));
  }
  facts.Neutral(key + "realtimePeriod", cpu["realtimePeriod"]);
  const auto idle = cpu["idle"].Int().value_or(0);
  facts.Floor(key + "idle", cpu["idle"], static_cast<double>(idle), std::to_string(idle));
  for (const char* part : {"cpus", "mems"}) {
    const std::string& text = cpu[part].Text();
    if (text.empty()) continue;
    if (const auto set = CpuSet(text)) {
      facts.Guard(key + part + ": only some", cpu[part], text);
      facts.Under(key + part + ": only some");
      for (const std::int64_t n : *set)
        facts.Grant(fmt::format("{}{}: {}", key, part, n), cpu[part]);
      facts.Under("");
    } else {
      facts.Unknown(key + part, cpu[part]);
    }
  }
}

void MemoryFacts(const Node& memory, FactWriter& facts) {
  const std::string key = "linux.resources.memory.";
  for (const char* part : {"limit", "swap", "kernel", "kernelTCP", "reservation"})
    facts.Limit(key + part, memory[part], true);
  facts.Limit(key + "swappiness", memory["swappiness"], false);
  if (memory["disableOOMKiller"].IsTrue())
    facts.Grant(key + "disableOOMKiller", memory["disableOOMKiller"]);
  if (memory["useHierarchy"].IsTrue()) facts.Guard(key + "useHierarchy", memory["useHierarchy"]);
  facts.Neutral(key + "checkBeforeUpdate", memory["checkBeforeUpdate"]);
}

void ResourceFacts(const Node& resources, FactWriter& facts) {
  MemoryFacts(resources["memory"], facts);
  CpuFacts(resources["cpu"], facts);
  const std::string key = "linux.resources.";
  facts.Limit(key + "pids.limit", resources["pids"]["limit"], true);
  for (const Node& page : resources["hugepageLimits"].Items())
    facts.Limit(fmt::format("{}hugepageLimits {}", key, page["pageSize"].Text()), page["limit"],
                false);
  for (const auto& [name, node] : resources["rdma"].Members()) {
    facts.Limit(fmt::format("{}rdma {} hcaHandles", key, name), node["hcaHandles"], false);
    facts.Limit(fmt::format("{}rdma {} hcaObjects", key, name), node["hcaObjects"], false);
  }
  const Node block = resources["blockIO"];
  for (const char* part : {"weight", "leafWeight", "weightDevice"})
    facts.Neutral(fmt::format("{}blockIO.{}", key, part), block[part]);
  for (const char* part : {"throttleReadBpsDevice", "throttleWriteBpsDevice",
                           "throttleReadIOPSDevice", "throttleWriteIOPSDevice"}) {
    for (const Node& item : block[part].Items())
      facts.Limit(fmt::format("{}blockIO.{} {}:{}", key, part, item["major"].Int().value_or(0),
                              item["minor"].Int().value_or(0)),
                  item["rate"], true);
  }
  facts.Neutral(key + "network", resources["network"]);
  for (const auto& [file, node] : resources["unified"].Members()) {
    const std::string name = fmt::format("{}unified {}", key, file);
    if (file == "memory.oom.group" && node.Text() == "1") {
      facts.Guard(name, node);
    } else if (file == "memory.max" || file == "memory.high" || file == "memory.swap.max" ||
               file == "pids.max" || file == "memory.swap.high" ||
               file == "cgroup.max.descendants" || file == "cgroup.max.depth") {
      // Digits are a limit; "max" is none.
      double number = 0;
      for (const char c : node.Text())
        number = c >= '0' && c <= '9' ? number * 10 + (c - '0') : kNone;
      facts.Ceiling(name, node, node.Text().empty() ? kNone : number, node.Text());
    } else {
      facts.Unknown(name, node);
    }
  }
}

}  // namespace

void LinuxFacts(const Node& root, FactWriter& facts) {
  const Node part = root["linux"];
  NamespaceFacts(part["namespaces"], facts);
  MappingFacts(part["uidMappings"], "uidMappings", facts);
  MappingFacts(part["gidMappings"], "gidMappings", facts);
  DeviceFacts(root, facts);
  ResourceFacts(part["resources"], facts);
  const std::string cgroup = NormalPath(part["cgroupsPath"].Text());
  facts.Unknown("linux.cgroupsPath", part["cgroupsPath"], true);
  if (cgroup == "/" || (cgroup + "/").find("/../") != std::string::npos)
    facts.Grant("linux.cgroupsPath: outside of its parent", part["cgroupsPath"]);
  if (cgroup.empty()) facts.Grant("linux.cgroupsPath: the runtime's choice", part["cgroupsPath"]);
  const std::string& propagation = part["rootfsPropagation"].Text();
  const auto is = [&](std::string_view word) {
    return propagation == word || propagation == "r" + std::string(word);
  };
  // Absent and words that nobody knows are as slave, runc's default.
  facts.Ceiling("linux.rootfsPropagation", part["rootfsPropagation"],
                is("private") || is("unbindable") ? 0
                : is("shared")                    ? 2
                                                  : 1,
                propagation.empty() ? "absent" : propagation);
  for (const char* list : {"maskedPaths", "readonlyPaths"}) {
    for (const Node& item : part[list].Items())
      facts.Guard(fmt::format("linux.{}: {}", list, NormalPath(item.Text())), item);
  }
  for (const auto& [name, node] : part["sysctl"].Members())
    facts.Unknown("linux.sysctl " + name, node);
  for (const auto& [name, node] : part["netDevices"].Members())
    facts.Grant("linux.netDevices " + name, node, Compact(*node.value()));
  SeccompFacts(part["seccomp"], facts);
  for (const char* other : {"intelRdt", "memoryPolicy", "mountLabel", "personality", "timeOffsets"})
    facts.Unknown(fmt::format("linux.{}", other), part[other]);
}

}  // namespace vortex::review
