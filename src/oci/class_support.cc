// SPDX-License-Identifier: Apache-2.0
#include "oci/class_support.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/status.h"

namespace vortex::oci {
namespace {

constexpr std::array<ClassSupport, 4> kSupport = {{
    {RuntimeClass::kRunc, "", "", "", {}, {}, {}, true, PidsBy::kCgroup},
    {RuntimeClass::kCrun, "", "", "", {}, {}, {}, true, PidsBy::kCgroup},
    // The sentry is the plugin's kernel: its /proc is its own, it filters its own system calls, and
    // it ignores linux.seccomp, maskedPaths and readonlyPaths.
    {RuntimeClass::kGvisor,
     "the sentry makes no host device nodes, and runsc applies no device cgroup",
     "runsc has no ambient set, so a user who is not root loses them with the first execve",
     "",
     {},
     WeakensIsolation{"gvisor: the sentry answers system calls and filters its own"},
     WeakensIsolation{"gvisor: /proc is the sentry's"},
     true,
     PidsBy::kSentry},
    // The guest's kernel is the plugin's. Kata knows no user namespaces, and drops resources.pids
    // and seccomp.
    {RuntimeClass::kKata,
     "host character devices do not enter the guest",
     "",
     "the guest has its own loopback, and Kata takes no namespace without a link into it",
     WeakensIsolation{"kata: the guest has a kernel of its own"},
     WeakensIsolation{"kata: drops seccomp, the guest's kernel is the plugin's"},
     {},
     false,
     PidsBy::kRlimitOnly},
}};

// Those that the kernel asks for in the user namespace that owns the object, and whose system calls
// the seccomp profile lets through. All others are void in a sandbox: granting them would only look
// like a grant.
//   Source  capable() against ns_capable() in Linux 6.1
constexpr std::array<std::string_view, 13> kUseful = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",  "CAP_FSETID",           "CAP_IPC_OWNER",
    "CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",
    "CAP_SETFCAP", "CAP_SETGID",           "CAP_SETPCAP",
    "CAP_SETUID"};

}  // namespace

const ClassSupport& SupportOf(RuntimeClass runtime_class) {
  return *std::find_if(kSupport.begin(), kSupport.end(),
                       [&](const ClassSupport& row) { return row.runtime_class == runtime_class; });
}

absl::Status CheckClassHonours(const JobConfig& job) {
  const ClassSupport& support = SupportOf(job.runtime_class);
  const auto refuse = [&](const std::string& what, std::string_view why) {
    return Error(absl::StatusCode::kFailedPrecondition, "runtime class {} cannot honour {}: {}",
                 Name(job.runtime_class), what, why);
  };
  if (!job.devices->empty() && !support.no_devices.empty()) {
    return refuse("devices: " + job.devices->front().path, support.no_devices);
  }
  if (!job.network_namespace_path->empty() && !support.no_network.empty()) {
    return refuse("network", support.no_network);
  }
  for (const std::string& name : *job.capabilities) {
    if (!support.no_capabilities.empty())
      return refuse("capabilities: " + name, support.no_capabilities);
    if (std::find(kUseful.begin(), kUseful.end(), name) == kUseful.end()) {
      return refuse("capabilities: " + name,
                    "inside a sandbox the kernel or the seccomp profile denies what it is for");
    }
  }
  return absl::OkStatus();
}

}  // namespace vortex::oci
