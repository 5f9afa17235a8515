// SPDX-License-Identifier: Apache-2.0
#include "oci/capability_names.h"

#include <algorithm>
#include <array>

namespace vortex::oci {

bool IsCapabilityName(std::string_view name) {
  static constexpr std::array<std::string_view, 41> kNames = {
      "CAP_AUDIT_CONTROL",   "CAP_AUDIT_READ",   "CAP_AUDIT_WRITE",
      "CAP_BLOCK_SUSPEND",   "CAP_BPF",          "CAP_CHECKPOINT_RESTORE",
      "CAP_CHOWN",           "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH",
      "CAP_FOWNER",          "CAP_FSETID",       "CAP_IPC_LOCK",
      "CAP_IPC_OWNER",       "CAP_KILL",         "CAP_LEASE",
      "CAP_LINUX_IMMUTABLE", "CAP_MAC_ADMIN",    "CAP_MAC_OVERRIDE",
      "CAP_MKNOD",           "CAP_NET_ADMIN",    "CAP_NET_BIND_SERVICE",
      "CAP_NET_BROADCAST",   "CAP_NET_RAW",      "CAP_PERFMON",
      "CAP_SETFCAP",         "CAP_SETGID",       "CAP_SETPCAP",
      "CAP_SETUID",          "CAP_SYSLOG",       "CAP_SYS_ADMIN",
      "CAP_SYS_BOOT",        "CAP_SYS_CHROOT",   "CAP_SYS_MODULE",
      "CAP_SYS_NICE",        "CAP_SYS_PACCT",    "CAP_SYS_PTRACE",
      "CAP_SYS_RAWIO",       "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
      "CAP_SYS_TTY_CONFIG",  "CAP_WAKE_ALARM"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace vortex::oci
