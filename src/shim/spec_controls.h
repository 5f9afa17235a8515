// SPDX-License-Identifier: Apache-2.0
// What a job's config.json asks for in the way of isolation, to be compared with the kernel's view
// before the start. Taken before the runtime is run: what a runtime changes there is not believed.
//   Source  runtime-spec 1.0.2, config.md and config-linux.md
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vortex::shim {

struct SpecRlimit {
  std::string type;  // "RLIMIT_NOFILE"
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

struct SpecNamespace {
  std::string type;  // the spec's word: "network", "mount", …
  std::string path;  // empty: a new one
};

struct SpecIdMapping {
  std::uint64_t container = 0;
  std::uint64_t host = 0;
  std::uint64_t size = 0;
  bool operator==(const SpecIdMapping&) const = default;
};

struct SpecDeviceRule {
  bool allow = false;
  char type = 'a';
  std::int64_t major = -1;  // -1: all
  std::int64_t minor = -1;
  std::string access;  // of "rwm"
};

struct SpecMount {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
  bool bind() const;  // one of the options is bind or rbind
};

// Order of SpecControls::capabilities, and the kernel's names of the sets in /proc/<pid>/status.
inline constexpr std::array<std::string_view, 5> kCapabilitySets = {"CapInh", "CapPrm", "CapEff",
                                                                    "CapBnd", "CapAmb"};

struct SpecControls {
  std::uint64_t uid = 0;  // inside the user namespace
  std::uint64_t gid = 0;
  std::vector<std::uint64_t> additional_gids;
  std::array<std::uint64_t, 5> capabilities{};  // bit n is capability n
  std::vector<SpecRlimit> rlimits;
  std::optional<std::int64_t> oom_score_adj;
  std::string apparmor_profile;
  std::string selinux_label;
  std::string root_path;
  std::vector<SpecMount> mounts;
  std::vector<std::string> device_paths;
  bool mounting_hooks = false;  // hooks that run before the program and may mount
  std::vector<SpecNamespace> namespaces;
  std::vector<SpecIdMapping> uid_mappings;
  std::vector<SpecIdMapping> gid_mappings;
  std::vector<SpecDeviceRule> device_rules;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
};

// Nothing for text that is not one well-formed JSON object.
std::optional<SpecControls> ParseSpecControls(std::string_view text);

// Number of "CAP_CHOWN" (0) to "CAP_CHECKPOINT_RESTORE" (40); nothing for a name this version does
// not know.
std::optional<unsigned> CapabilityNumber(std::string_view name);
// "CAP_CHOWN", "capability 41".
std::string CapabilityName(unsigned number);

// Of config.json in `bundle`, at most 16 MiB.
std::optional<SpecControls> ReadSpecControls(const std::string& bundle);

}  // namespace vortex::shim
