// SPDX-License-Identifier: Apache-2.0
#include "shim/spec_controls.h"

#include "base/json_reader.h"
#include "shim/files.h"

namespace vortex::shim {
namespace {

using base::JsonReader;

// In the order of their numbers.
//   Source  include/uapi/linux/capability.h of Linux 6.1
constexpr std::array<std::string_view, 41> kNames = {"CHOWN",
                                                     "DAC_OVERRIDE",
                                                     "DAC_READ_SEARCH",
                                                     "FOWNER",
                                                     "FSETID",
                                                     "KILL",
                                                     "SETGID",
                                                     "SETUID",
                                                     "SETPCAP",
                                                     "LINUX_IMMUTABLE",
                                                     "NET_BIND_SERVICE",
                                                     "NET_BROADCAST",
                                                     "NET_ADMIN",
                                                     "NET_RAW",
                                                     "IPC_LOCK",
                                                     "IPC_OWNER",
                                                     "SYS_MODULE",
                                                     "SYS_RAWIO",
                                                     "SYS_CHROOT",
                                                     "SYS_PTRACE",
                                                     "SYS_PACCT",
                                                     "SYS_ADMIN",
                                                     "SYS_BOOT",
                                                     "SYS_NICE",
                                                     "SYS_RESOURCE",
                                                     "SYS_TIME",
                                                     "SYS_TTY_CONFIG",
                                                     "MKNOD",
                                                     "LEASE",
                                                     "AUDIT_WRITE",
                                                     "AUDIT_CONTROL",
                                                     "SETFCAP",
                                                     "MAC_OVERRIDE",
                                                     "MAC_ADMIN",
                                                     "SYSLOG",
                                                     "WAKE_ALARM",
                                                     "BLOCK_SUSPEND",
                                                     "AUDIT_READ",
                                                     "PERFMON",
                                                     "BPF",
                                                     "CHECKPOINT_RESTORE"};

// Larger than what an int64 holds: RLIM_INFINITY is 2^64 - 1.
std::uint64_t Unsigned(JsonReader& json) { return ParseNumber(json.Raw()).value_or(0); }

std::vector<std::string> Strings(JsonReader& json) {
  std::vector<std::string> out;
  json.Array([&] { out.push_back(json.String()); });
  return out;
}

void ReadUser(JsonReader& json, SpecControls* out) {
  json.Object([&](std::string_view key) {
    if (key == "uid") {
      out->uid = Unsigned(json);
    } else if (key == "gid") {
      out->gid = Unsigned(json);
    } else if (key == "additionalGids") {
      json.Array([&] { out->additional_gids.push_back(Unsigned(json)); });
    } else {
      json.Skip();
    }
  });
}

void ReadCapabilities(JsonReader& json, SpecControls* out) {
  constexpr std::array<std::string_view, 5> kSets = {"inheritable", "permitted", "effective",
                                                     "bounding", "ambient"};
  json.Object([&](std::string_view key) {
    for (std::size_t i = 0; i < kSets.size(); ++i) {
      if (key != kSets[i]) continue;
      json.Array([&] {
        if (const auto number = CapabilityNumber(json.String()))
          out->capabilities[i] |= 1ULL << *number;
      });
      return;
    }
    json.Skip();
  });
}

void ReadRlimits(JsonReader& json, SpecControls* out) {
  json.Array([&] {
    SpecRlimit limit;
    json.Object([&](std::string_view key) {
      if (key == "type") {
        limit.type = json.String();
      } else if (key == "soft") {
        limit.soft = Unsigned(json);
      } else if (key == "hard") {
        limit.hard = Unsigned(json);
      } else {
        json.Skip();
      }
    });
    out->rlimits.push_back(std::move(limit));
  });
}

void ReadProcess(JsonReader& json, SpecControls* out) {
  json.Object([&](std::string_view key) {
    if (key == "user") {
      ReadUser(json, out);
    } else if (key == "capabilities") {
      ReadCapabilities(json, out);
    } else if (key == "rlimits") {
      ReadRlimits(json, out);
    } else if (key == "oomScoreAdj") {
      out->oom_score_adj = json.Int();
    } else if (key == "apparmorProfile") {
      out->apparmor_profile = json.String();
    } else if (key == "selinuxLabel") {
      out->selinux_label = json.String();
    } else {
      json.Skip();
    }
  });
}

void ReadMounts(JsonReader& json, SpecControls* out) {
  json.Array([&] {
    SpecMount mount;
    json.Object([&](std::string_view key) {
      if (key == "destination") {
        mount.destination = json.String();
      } else if (key == "type") {
        mount.type = json.String();
      } else if (key == "source") {
        mount.source = json.String();
      } else if (key == "options") {
        mount.options = Strings(json);
      } else {
        json.Skip();
      }
    });
    out->mounts.push_back(std::move(mount));
  });
}

std::vector<SpecIdMapping> ReadMappings(JsonReader& json) {
  std::vector<SpecIdMapping> mappings;
  json.Array([&] {
    SpecIdMapping mapping;
    json.Object([&](std::string_view key) {
      if (key == "containerID") {
        mapping.container = Unsigned(json);
      } else if (key == "hostID") {
        mapping.host = Unsigned(json);
      } else if (key == "size") {
        mapping.size = Unsigned(json);
      } else {
        json.Skip();
      }
    });
    mappings.push_back(mapping);
  });
  return mappings;
}

void ReadDeviceRules(JsonReader& json, SpecControls* out) {
  json.Array([&] {
    SpecDeviceRule rule;
    json.Object([&](std::string_view key) {
      if (key == "allow") {
        rule.allow = json.Bool();
      } else if (key == "type") {
        const std::string type = json.String();
        if (!type.empty()) rule.type = type[0];
      } else if (key == "major") {
        rule.major = json.Int();
      } else if (key == "minor") {
        rule.minor = json.Int();
      } else if (key == "access") {
        rule.access = json.String();
      } else {
        json.Skip();
      }
    });
    out->device_rules.push_back(std::move(rule));
  });
}

void ReadLinux(JsonReader& json, SpecControls* out) {
  json.Object([&](std::string_view key) {
    if (key == "namespaces") {
      json.Array([&] {
        SpecNamespace item;
        json.Object([&](std::string_view member) {
          if (member == "type") {
            item.type = json.String();
          } else if (member == "path") {
            item.path = json.String();
          } else {
            json.Skip();
          }
        });
        out->namespaces.push_back(std::move(item));
      });
    } else if (key == "uidMappings") {
      out->uid_mappings = ReadMappings(json);
    } else if (key == "gidMappings") {
      out->gid_mappings = ReadMappings(json);
    } else if (key == "maskedPaths") {
      out->masked_paths = Strings(json);
    } else if (key == "readonlyPaths") {
      out->readonly_paths = Strings(json);
    } else if (key == "devices") {
      json.Array([&] {
        json.Object([&](std::string_view member) {
          if (member == "path") {
            out->device_paths.push_back(json.String());
          } else {
            json.Skip();
          }
        });
      });
    } else if (key == "resources") {
      json.Object([&](std::string_view member) {
        if (member == "devices") {
          ReadDeviceRules(json, out);
        } else {
          json.Skip();
        }
      });
    } else {
      json.Skip();
    }
  });
}

}  // namespace

bool SpecMount::bind() const {
  for (const std::string& option : options) {
    if (option == "bind" || option == "rbind") return true;
  }
  return false;
}

std::optional<unsigned> CapabilityNumber(std::string_view name) {
  if (!name.starts_with("CAP_")) return std::nullopt;
  name.remove_prefix(4);
  for (unsigned i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return i;
  }
  return std::nullopt;
}

std::string CapabilityName(unsigned number) {
  if (number < kNames.size()) return "CAP_" + std::string(kNames[number]);
  return "capability " + std::to_string(number);
}

std::optional<SpecControls> ParseSpecControls(std::string_view text) {
  if (!Trim(text).starts_with('{')) return std::nullopt;
  SpecControls out;
  JsonReader json(text);
  json.Object([&](std::string_view key) {
    if (key == "process") {
      ReadProcess(json, &out);
    } else if (key == "mounts") {
      ReadMounts(json, &out);
    } else if (key == "linux") {
      ReadLinux(json, &out);
    } else if (key == "root") {
      json.Object([&](std::string_view member) {
        if (member == "path") {
          out.root_path = json.String();
        } else {
          json.Skip();
        }
      });
    } else if (key == "hooks") {
      json.Object([&](std::string_view name) {
        const std::string_view hooks = json.Raw();
        if (name != "poststart" && name != "poststop" && hooks != "[]" && hooks != "null")
          out.mounting_hooks = true;
      });
    } else {
      json.Skip();
    }
  });
  if (!json.Finish()) return std::nullopt;
  return out;
}

std::optional<SpecControls> ReadSpecControls(const std::string& bundle) {
  const auto text = ReadFile(bundle + "/config.json", 16 << 20);
  if (!text) return std::nullopt;
  return ParseSpecControls(*text);
}

}  // namespace vortex::shim
