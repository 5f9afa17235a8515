// SPDX-License-Identifier: Apache-2.0
// Hooks, sysctl, annotations, and what is left of linux.
#include <fmt/format.h>

#include <algorithm>

#include "review/audit_context.h"

namespace vortex::review {
namespace {

void AuditHooks(AuditContext& audit) {
  for (const auto& [when, list] : audit.root()["hooks"].Members()) {
    for (const Node& hook : list.Items()) {
      std::string words = hook["path"].Text();
      for (const std::string& argument : hook["args"].Texts()) words += " " + argument;
      audit.Add("hooks.any", hook, fmt::format("{} runs {}", when, words));
    }
  }
}

// Settings that a namespace has of its own.
//   Source  OCI runtime-spec, config-linux.md, Sysctl; runc's validator
void AuditSysctls(AuditContext& audit) {
  for (const auto& [written, node] : audit.root()["linux"]["sysctl"].Members()) {
    std::string name = written;  // "net/ipv4/ip_forward" is the same
    if (name.find('.') == std::string::npos) std::replace(name.begin(), name.end(), '/', '.');
    const std::string message = fmt::format("{} = {}", name, node.Text());
    const bool ipc = name.starts_with("fs.mqueue.") || name.starts_with("kernel.msg") ||
                     name.starts_with("kernel.shm") || name == "kernel.sem";
    const bool uts = name == "kernel.hostname" || name == "kernel.domainname";
    if (name.starts_with("net.")) {
      audit.Add(audit.HasNamespace("network") ? "sysctl.namespaced" : "sysctl.host-network", node,
                message);
    } else if ((ipc && audit.HasNewNamespace("ipc")) || (uts && audit.HasNewNamespace("uts"))) {
      audit.Add("sysctl.namespaced", node, message);
    } else {
      audit.Add("sysctl.node-wide", node, message);
    }
  }
}

struct Steering {
  const char* prefix;
  const char* rule;
};
constexpr Steering kSteering[] = {
    {"dev.gvisor.flag.", "annotations.gvisor-flag"},
    {"dev.gvisor.", "annotations.gvisor"},
    {"io.katacontainers.", "annotations.kata-config"},
    {"run.oci.", "annotations.crun"},
    {"module.wasm.image/", "annotations.crun"},
    {"org.systemd.property.", "annotations.systemd-property"},
    {"cdi.k8s.io/", "annotations.device-injection"},
    {"io.containers.trace-syscall", "annotations.device-injection"},
    {"io.kubernetes.cri-o.Devices", "annotations.device-injection"},
};

void AuditAnnotations(AuditContext& audit) {
  for (const auto& [key, node] : audit.root()["annotations"].Members()) {
    for (const Steering& steering : kSteering) {
      if (!key.starts_with(steering.prefix)) continue;
      audit.Add(steering.rule, node, fmt::format("{} = {}", key, node.Text()));
      break;
    }
  }
}

}  // namespace

void AuditHost(AuditContext& audit) {
  AuditHooks(audit);
  AuditSysctls(audit);
  AuditAnnotations(audit);
  const Node linux_part = audit.root()["linux"];
  if (linux_part["intelRdt"]) audit.Add("linux.intel-rdt", linux_part["intelRdt"], "is set");
  const Node personality = linux_part["personality"];
  if (personality)
    audit.Add("linux.personality", personality,
              fmt::format("domain {}", personality["domain"].Text()));
  if (linux_part["timeOffsets"])
    audit.Add("linux.time-offsets", linux_part["timeOffsets"], "is set");
  for (const auto& [name, node] : linux_part["netDevices"].Members())
    audit.Add("linux.net-devices", node, fmt::format("{} is moved inside", name));
  if (linux_part["memoryPolicy"])
    audit.Add("linux.memory-policy", linux_part["memoryPolicy"], "is set");
}

}  // namespace vortex::review
