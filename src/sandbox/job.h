// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "oci/cdi_edits.h"
#include "oci/job.h"
#include "policy/gate.h"
#include "policy/manifest.h"

namespace vortex::sandbox {

// Where the image contract puts things (docs/user/plugin-protocol.md).
inline constexpr char kInitPath[] = "/usr/lib/vortex/init";
inline constexpr char kHarnessPath[] = "/usr/lib/vortex/harness.py";
inline constexpr char kPythonPath[] = "/usr/bin/python3";

// What is particular to one run.
struct JobFacts {
  std::string run_id;
  std::string bundle_path;
  std::string cgroups_path;
  bool cgroup_v2 = false;
  oci::IdRange ids;
  oci::CdiGrant devices;   // of granted devices only
  std::string init_token;  // 32 hex digits each
  std::string result_token;
  std::string report_path;
  // Of granted hosts only: the namespace with the link, empty without.
  std::string network_namespace_path;
  // When the shim kills by itself, unix ns; 0: never.
  std::int64_t deadline_unix_ns = 0;
  // The run's observer (denials/observer.h); empty paths: none.
  oci::SeccompWatch watch;
  std::string trace_config_path;
};

// The job for a granted plugin. Pure.
oci::JobConfig MakeJob(const policy::Manifest& manifest, const policy::Grant& grant,
                       const JobFacts& facts);

}  // namespace vortex::sandbox
