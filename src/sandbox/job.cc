// SPDX-License-Identifier: Apache-2.0
#include "sandbox/job.h"

#include "sandbox/denials/observer.h"
#include "sandbox/egress.h"
#include "sandbox/shim_report.h"

namespace vortex::sandbox {
namespace {

// Init starts either the harness with the entrypoint or the manifest's own command.
std::vector<std::string> Arguments(const policy::Manifest& manifest,
                                   oci::RuntimeClass runtime_class) {
  std::vector<std::string> args = {kInitPath};
  // There pid 1 is not immune to signals from inside (images/python/init.c).
  if (runtime_class == oci::RuntimeClass::kGvisor) args.push_back("--own-pids");
  args.push_back("--");
  if (manifest.entrypoint) {
    // -I: no user site, no PYTHON* variables; -S: no site at all; -B: nothing is written beside the
    // sources.
    args.insert(args.end(), {kPythonPath, "-I", "-S", "-B", kHarnessPath,
                             manifest.entrypoint->module + ":" + manifest.entrypoint->function});
  } else {
    args.insert(args.end(), manifest.command.begin(), manifest.command.end());
  }
  return args;
}

}  // namespace

oci::JobConfig MakeJob(const policy::Manifest& manifest, const policy::Grant& grant,
                       const JobFacts& facts) {
  oci::JobConfig job;
  job.run_id = facts.run_id;
  job.plugin_id = grant.plugin_id;
  job.runtime_class = grant.runtime_class;
  job.args = Arguments(manifest, grant.runtime_class);
  job.env = {"HOME=/tmp",
             "LANG=C.UTF-8",
             "PATH=/usr/bin",
             "TMPDIR=/tmp",
             "VORTEX_INIT_TOKEN=" + facts.init_token,
             "VORTEX_PLUGIN_ID=" + grant.plugin_id,
             "VORTEX_RESULT_TOKEN=" + facts.result_token,
             "VORTEX_RUN_ID=" + facts.run_id};
  if (!facts.network_namespace_path.empty()) {
    job.network_namespace_path = {
        oci::WeakensIsolation{"the run's own namespace, with its egress proxy and nothing else"},
        facts.network_namespace_path};
    for (std::string& entry : EgressEnvironment()) job.env.push_back(std::move(entry));
    job.annotations[kEgressAnnotation] = kEgressByProxy;
  }
  job.capabilities = {oci::WeakensIsolation{"an operator's allow entry names the capabilities"},
                      grant.capabilities};
  job.mounts = {oci::WeakensIsolation{"an operator's allow entry names the mounts"}, grant.mounts};
  oci::ApplyCdi(facts.devices, job);
  job.bundle_dir = facts.bundle_path;
  job.ids = facts.ids;
  job.cgroups_path = facts.cgroups_path;
  job.cgroup_v2 = facts.cgroup_v2;
  job.annotations[kReportAnnotation] = facts.report_path;
  if (facts.deadline_unix_ns > 0)
    job.annotations[kDeadlineAnnotation] = std::to_string(facts.deadline_unix_ns);
  job.watch = facts.watch;
  if (!facts.trace_config_path.empty()) job.annotations[kTraceAnnotation] = facts.trace_config_path;
#if defined(__aarch64__)
  job.arch = "aarch64";
#endif
  job.limits = {grant.limits.memory_bytes, grant.limits.millicpus, grant.limits.pids,
                grant.limits.tmp_bytes,    grant.limits.nofile,    grant.limits.fsize_bytes};
  return job;
}

}  // namespace vortex::sandbox
