// SPDX-License-Identifier: Apache-2.0
// What the shim takes from a bundle's config.json (OCI runtime spec); everything else is the
// runtime's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vortex::shim {

struct OciConfig {
  std::map<std::string, std::string>
      annotations;  // io.vortex.*, the grouping keys and the CRI type only
  // No pid namespace of its own: the kernel does not kill the rest when the first process ends.
  bool shared_pid_namespace = true;
  bool own_network_namespace = false;
  std::string network_path;  // empty: a fresh one, with nothing but lo
  bool user_namespace = false;
  std::optional<std::uint32_t> host_uid_of_root;  // where uid 0 of the user namespace is mapped
  bool terminal = false;
  bool no_new_privileges = false;
  bool has_seccomp = false;
  bool readonly_root = false;
  bool poststart_hooks = false;  // run by the runtime's `start`
  bool poststop_hooks = false;   // run by its `delete`
  std::optional<std::int64_t> memory_limit;
  std::optional<std::int64_t> memory_swap;
  std::optional<std::int64_t> pids_limit;
  std::optional<std::int64_t> cpu_quota;
  std::optional<std::int64_t> cpu_period;

  // Made by our own client: run id present, and not a pod's container, whose annotations others may
  // write. Everything under io.vortex.* is inert without this.
  bool OurJob() const;
  std::string Annotation(const std::string& key) const;
};

// Nothing for text that is not one well-formed JSON object.
std::optional<OciConfig> ParseOciConfig(std::string_view text);
// config.json of `bundle`, at most 16 MiB.
std::optional<OciConfig> ReadOciConfig(const std::string& bundle);

// The trace session that our runner wrote for this job: the file that io.vortex.trace-config names,
// when it is trace.json in the directory of io.vortex.report. Empty otherwise.
std::string TraceConfigOf(const OciConfig& config);

// `process` (an OCI process object) with its "terminal" member set. Nothing for malformed text.
std::optional<std::string> SetTerminal(std::string_view process, bool terminal);

// The shim's group: "io.containerd.runc.v2.group", else the CRI sandbox id, else `id`.
std::string GroupOf(const OciConfig& config, const std::string& id);

}  // namespace vortex::shim
