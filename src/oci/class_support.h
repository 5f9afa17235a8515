// SPDX-License-Identifier: Apache-2.0
// What each runtime class can honour of the class-neutral job, as data. BuildSpec lowers by this
// table, and what a class cannot honour is refused by name.
//   Source  runsc 2022-12 and 2024-07, Kata 3 and 4: their code and our measurements
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "oci/job.h"

namespace vortex::oci {

// How the number of processes is limited.
enum class PidsBy {
  kCgroup,      // the pids cgroup counts the plugin's own tasks
  kSentry,      // RLIMIT_NPROC counts; the cgroup counts the sentry's tasks, several a process
  kRlimitOnly,  // RLIMIT_NPROC inside the guest
};

struct ClassSupport {
  RuntimeClass runtime_class;
  // Empty: honoured. Otherwise why not, for the error message.
  std::string_view no_devices;
  std::string_view no_capabilities;
  std::string_view no_network;
  // A user namespace on the host. Without one the class has a kernel of its own between plugin and
  // host.
  Protection user_namespace;
  // The host's seccomp, and hiding parts of the host's /proc: pointless where the plugin never
  // calls the host's kernel.
  Protection seccomp;
  Protection proc_paths;
  // The cgroup that holds the plugin is the host's: its swap limit and cgroup v2 files apply.
  bool host_cgroup;
  PidsBy pids;
};

const ClassSupport& SupportOf(RuntimeClass runtime_class);

// FailedPrecondition "runtime class gvisor cannot honour devices: …". The job itself has passed
// CheckJob.
absl::Status CheckClassHonours(const JobConfig& job);

}  // namespace vortex::oci
