// SPDX-License-Identifier: Apache-2.0
// The parts of CheckInForce, each for one side of the kernel. `proc` is "/proc/<pid>" of a process
// that is created and not yet started: runc and crun have done everything by then but, in some
// versions, the seccomp filter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shim/container.h"
#include "shim/control_checker.h"
#include "shim/spec_controls.h"

namespace vortex::shim {

// readback_cgroup.cc: memory, swap, pids, cpu; device rules.
void CheckCgroupLimits(const Container& container, ControlChecker* checker);
void CheckDeviceRules(const Cgroup& cgroup, const SpecControls& spec, ControlChecker* checker);

// readback_process.cc: user, groups, capabilities, rlimits, oom_score_adj, labels.
void CheckIdentity(const SpecControls& spec, std::string_view proc_status, ControlChecker* checker);
void CheckCapabilities(const SpecControls& spec, std::string_view proc_status,
                       ControlChecker* checker);
void CheckRlimits(pid_t pid, const SpecControls& spec, ControlChecker* checker);
void CheckOomScore(const std::string& proc, const SpecControls& spec, ControlChecker* checker);
void CheckLabels(const std::string& proc, const SpecControls& spec, ControlChecker* checker);

// readback_namespaces.cc: new or the named one; the user namespace's maps; links of the network.
void CheckNamespaces(const std::string& proc, const SpecControls& spec, ControlChecker* checker);
void CheckIdMaps(const std::string& proc, const SpecControls& spec, ControlChecker* checker);
void CheckLinks(const Container& container, const std::string& proc, ControlChecker* checker);

// readback_mounts.cc: the root, flags, sources, masked and read-only paths, and nothing besides.
void CheckMounts(const Container& container, const SpecControls& spec, const std::string& proc,
                 ControlChecker* checker);

// Rules of a cgroup v1 devices.list that neither `spec` allows nor every runtime by itself; for
// tests too.
std::vector<std::string> ForeignDeviceRules(std::string_view devices_list,
                                            const SpecControls& spec);
// /proc/<pid>/uid_map as mappings, in order of the ids inside.
std::vector<SpecIdMapping> ParseIdMap(std::string_view text);
// "\040" and the like of mountinfo(5).
std::string UnescapeMountPath(std::string_view text);
// What is mounted that the spec does not ask for; "" when nothing is. `points` in mountinfo's
// order.
std::string UnexpectedMount(const std::vector<std::string>& points, const SpecControls& spec);

// The word behind "<key>:" in /proc/<pid>/status text.
std::string StatusField(std::string_view proc_status, std::string_view key);
// Names of links in /proc/<pid>/net/dev text.
std::vector<std::string> LinkNames(std::string_view net_dev);

}  // namespace vortex::shim
