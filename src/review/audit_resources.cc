// SPDX-License-Identifier: Apache-2.0
// Devices and resources.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "review/audit_context.h"
#include "review/device_model.h"

namespace vortex::review {
namespace {

// Rule for a device by its number, "" for one without a rule of its own, "none" for the harmless
// ones that every runtime gives.
//   Source  Documentation/admin-guide/devices.txt
std::string_view RuleFor(const DeviceKey& key) {
  if (key.type == 'b') return "devices.block";
  if (key.major == 1) {
    if (key.minor == 1 || key.minor == 2 || key.minor == 4) return "devices.memory";
    if (key.minor == 11) return "devices.kernel-log";
    if (key.minor == 3 || key.minor == 5 || key.minor == 7 || key.minor == 8 || key.minor == 9)
      return "none";
  }
  if (key.major == 5 && key.minor >= 0 && key.minor <= 2) return "none";  // tty, console, ptmx
  if (key.major >= 136 && key.major <= 143) return "none";                // pts
  if (key.major == 10 && key.minor == 200) return "devices.tun";
  if (key.major == 10 && key.minor == 229) return "devices.fuse";
  if (key.major == 10 && (key.minor == 232 || key.minor == 238 || key.minor == 241))
    return "devices.kvm";
  if (key.major == 10 && (key.minor == 237 || key.minor == 236))
    return "devices.block";                     // loop, mapper
  if (key.major == 21) return "devices.block";  // raw SCSI
  return "";
}

bool IsPlainNode(const Node& node) {
  const std::string& type = node["type"].Text();
  return type == "c" || type == "u" || type == "b" || type == "p";
}

void AuditNodes(AuditContext& audit, std::set<std::string>& nodes) {
  for (const Node& device : audit.root()["linux"]["devices"].Items()) {
    DeviceKey key;
    key.type = device["type"].Text() == "b" ? 'b' : 'c';
    key.major = device["major"].Int().value_or(-1);
    key.minor = device["minor"].Int().value_or(-1);
    nodes.insert(key.Text());
    if (device["type"].Text() == "p") continue;  // a FIFO
    if (!IsPlainNode(device))
      audit.Add("devices.bad-rule", device["type"], fmt::format("\"{}\"", device["type"].Text()));
    const std::string_view rule = RuleFor(key);
    if (rule == "none") continue;
    audit.Add(rule.empty() ? "devices.node" : rule, device,
              fmt::format("{} ({}) is made inside", device["path"].Text(), key.Text()));
  }
}

void AuditRules(AuditContext& audit, const std::set<std::string>& nodes) {
  const Node rules = audit.root()["linux"]["resources"]["devices"];
  for (const Node& rule : rules.Items()) {
    const std::string& type = rule["type"].Text();
    const std::string& access = rule["access"].Text();
    if (!type.empty() && type != "a" && type != "b" && type != "c")
      audit.Add("devices.bad-rule", rule["type"], fmt::format("type \"{}\"", type));
    if (access.find_first_not_of("rwm") != std::string::npos)
      audit.Add("devices.bad-rule", rule["access"], fmt::format("access \"{}\"", access));
  }
  const DeviceModel model(rules);
  if (model.allow_by_default) {
    audit.AddAt("devices.allow-all", model.path, model.at,
                rules.Items().empty() ? "no device rules: whatever the runtime finds holds"
                                      : "every device is allowed");
  }
  for (const DeviceState& state : model.allowed) {
    const std::string message = fmt::format("{} {} is allowed", state.key.Text(), state.access);
    if (state.access == "m") {
      audit.AddAt("devices.mknod-only", state.path, state.at, message);
      continue;
    }
    const std::string_view rule = RuleFor(state.key);
    if (rule == "none") continue;
    if (!rule.empty()) {
      // Also when a node is listed: that one is what `linux.devices` says.
      if (!nodes.contains(state.key.Text())) audit.AddAt(rule, state.path, state.at, message);
    } else if (state.key.type == 'a' || state.key.major < 0 || state.key.minor < 0) {
      audit.AddAt("devices.wildcard", state.path, state.at, message);
    } else if (!nodes.contains(state.key.Text())) {
      audit.AddAt("devices.rule-without-node", state.path, state.at, message);
    }
  }
}

void AuditCgroup(AuditContext& audit) {
  const Node node = audit.root()["linux"]["cgroupsPath"];
  const std::string& text = node.Text();
  if (text.empty()) return audit.Add("resources.cgroup-path-absent", node, "absent");
  const std::string path = NormalPath(text);
  const auto bad = [&](const char* why, std::optional<Severity> severity = std::nullopt) {
    audit.Add("resources.cgroup-path", node, fmt::format("\"{}\": {}", text, why), severity);
  };
  if (path == "/" || path.empty()) return bad("the root cgroup");
  if (("/" + path + "/").find("/../") != std::string::npos) return bad("leaves its parent");
  for (const char* slice : {"/system.slice", "/init.scope", "/user.slice", "system.slice"}) {
    if (path == slice || path.starts_with(std::string("/init.scope")))
      return bad("a cgroup of the node's own");
  }
}

void AuditUnified(AuditContext& audit) {
  for (const auto& [file, node] : audit.root()["linux"]["resources"]["unified"].Members()) {
    const bool limit = file.ends_with(".max") || file.ends_with(".high");
    if (limit && node.Text().starts_with("max")) {
      audit.Add("resources.unified-unlimited", node,
                fmt::format("{} is \"{}\"", file, node.Text()));
    } else if (file == "memory.oom.group" ? node.Text() != "1" : !limit) {
      audit.Add("resources.unified-other", node, fmt::format("{} is \"{}\"", file, node.Text()));
    }
  }
}

bool UnifiedLimits(const Node& resources, const char* file) {
  const std::string& text = resources["unified"][file].Text();
  return !text.empty() && !text.starts_with("max");
}

}  // namespace

void AuditDevices(AuditContext& audit) {
  std::set<std::string> nodes;
  AuditNodes(audit, nodes);
  AuditRules(audit, nodes);
}

void AuditResources(AuditContext& audit) {
  const Node resources = audit.root()["linux"]["resources"];
  const Node memory = resources["memory"];
  // 0 means "as it was" to runtimes: none.
  const auto limit = Limit(memory["limit"]);
  const bool bounded = limit.value_or(0) > 0 || UnifiedLimits(resources, "memory.max");
  if (!bounded)
    audit.Add("resources.memory-unlimited", memory["limit"],
              memory["limit"] ? "unlimited" : "absent");
  const auto swap = Limit(memory["swap"]);
  if (bounded && !UnifiedLimits(resources, "memory.swap.max") &&
      (!swap || *swap > limit.value_or(0)))
    audit.Add("resources.swap", memory["swap"],
              swap && *swap > 0
                  ? fmt::format("{} bytes more than memory.limit", *swap - limit.value_or(0))
              : memory["swap"] ? "unlimited"
                               : "absent: as much again, or without limit");
  if (Limit(resources["pids"]["limit"]).value_or(0) <= 0 && !UnifiedLimits(resources, "pids.max"))
    audit.Add("resources.pids-unlimited", resources["pids"]["limit"],
              resources["pids"]["limit"] ? "unlimited" : "absent");
  const Node cpu = resources["cpu"];
  if (Limit(cpu["quota"]).value_or(0) <= 0 && !UnifiedLimits(resources, "cpu.max"))
    audit.Add("resources.cpu-unlimited", cpu["quota"], cpu["quota"] ? "unlimited" : "absent");
  if (memory["disableOOMKiller"].IsTrue())
    audit.Add("resources.oom-disabled", memory["disableOOMKiller"], "true");
  if (cpu["realtimeRuntime"].Int().value_or(0) != 0)
    audit.Add("resources.realtime", cpu["realtimeRuntime"],
              fmt::format("{} µs in each period", *cpu["realtimeRuntime"].Int()));
  AuditCgroup(audit);
  AuditUnified(audit);
}

}  // namespace vortex::review
