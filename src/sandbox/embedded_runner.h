// SPDX-License-Identifier: Apache-2.0
// The SandboxRunner that talks to containerd itself; needs root on the node.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/options.h"
#include "policy/policy.h"
#include "sandbox/egress.h"
#include "sandbox/id_range.h"
#include "sandbox/runner.h"
#include "sandbox/runtime_classes.h"

namespace vortex::client {
class Client;
}

namespace vortex::sandbox {

class Metrics;

struct EmbeddedOptions {
  // containerd's gRPC socket.
  std::string address = "/run/containerd/containerd.sock";
  // Where the runner gets its client, on first use and until there is one; null: it connects to
  // `address`. For a caller that has a connection, in `containerd_namespace`. Called by one thread
  // at a time.
  std::function<absl::StatusOr<std::shared_ptr<client::Client>>()> connect;
  // Ours alone; never "k8s.io", which belongs to the kubelet.
  std::string containerd_namespace = "vortex";
  // Run directories, locks and the runtime's state; on a file system that is gone after a reboot.
  std::string state_dir = "/run/vortex";
  // Bundle copies; may be kept over reboots.
  std::string data_dir = "/var/lib/vortex";
  // Name of the runtime image in containerd.
  std::string image = "vortex.local/python:latest";
  std::string snapshotter = "overlayfs";
  RuntimeClassTable classes = DefaultClasses();
  // Who may run, and with what. The built-in one refuses untrusted plugins and trusts nobody.
  policy::Policy policy = policy::BuiltInPolicy();
  // What this runner watches for at most; the grant decides within it.
  policy::Watch watch;
  // Parent of every run's cgroup, in each hierarchy.
  std::string cgroup_parent = "/vortex";
  IdPool ids;
  EgressOptions egress;
  // Where granted devices are looked up, later ones override earlier ones; absolute paths.
  //   Source  CDI specification, "CDI JSON Specification"
  std::vector<std::string> cdi_dirs = {"/etc/cdi", "/var/run/cdi"};
  // Without a directory there is no audit log, unless the policy names one: then the policy's
  // section stands.
  audit::AuditOptions audit;
  // Counts the runs; shared with whoever shows the numbers. Null: the runner has its own, with
  // the policy's plugin labels.
  std::shared_ptr<Metrics> metrics;
};

// Errors  FailedPrecondition: this node cannot limit what it runs (a cgroup controller is missing;
//         named); or the policy allows untrusted plugins and no sandbox for them is ready here.
//         containerd is contacted by the first Run, not here.
absl::StatusOr<std::unique_ptr<SandboxRunner>> CreateEmbeddedRunner(const EmbeddedOptions& options);

}  // namespace vortex::sandbox
