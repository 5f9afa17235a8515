// SPDX-License-Identifier: Apache-2.0
// The catalogue: every rule that an audit knows. Ids are never renumbered nor used again; names do
// not change either. docs/reviewer/spec-rules.md is generated from it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vortex::review {

enum class Severity { kNote, kWarning, kHigh, kCritical };

std::string_view Name(Severity severity);

// Under which runtime classes a rule says nothing, because something else is the boundary there.
enum class Scope {
  kAll,
  kHostSeccomp,    // gVisor and Kata do not use the host's filter for the job
  kHostProc,       // gVisor has a /proc of its own
  kHostDevices,    // gVisor makes no host device nodes
  kHostLsm,        // AppArmor and SELinux of the host
  kUserNamespace,  // Kata knows none
  kHostPids,       // Kata has no pids cgroup for the job
  kHostSwap,       // Kata's memory is the guest's
};

struct Rule {
  std::string_view id;    // "VX-SPEC-0001"
  std::string_view name;  // "mounts.writable-host-bind"
  Severity severity;      // the usual one; a finding may have another
  Scope scope;
  std::string_view field;   // of the OCI spec
  std::string_view attack;  // what it opens, one or two sentences
  std::string_view fix;
  std::string_view source;  // spec section, man page, CVE
};

// Parts of the catalogue, by subject.
std::span<const Rule> ShapeRules();
std::span<const Rule> NamespaceRules();
std::span<const Rule> ProcessRules();
std::span<const Rule> CapabilityRules();
std::span<const Rule> SeccompRules();
std::span<const Rule> MountRules();
std::span<const Rule> DeviceRules();
std::span<const Rule> ResourceRules();
std::span<const Rule> HostRules();

// All of them, sorted by id.
const std::vector<const Rule*>& AllRules();
// By name; aborts when there is none: only our own code asks.
const Rule& FindRule(std::string_view name);

// Why the scope's rules say nothing under this class ("runc", "crun", "gvisor", "kata"); "" when
// they do.
std::string_view NotApplicable(Scope scope, std::string_view runtime_class);

// The page docs/reviewer/spec-rules.md.
std::string RuleCatalogue();

}  // namespace vortex::review
