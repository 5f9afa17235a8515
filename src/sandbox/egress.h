// SPDX-License-Identifier: Apache-2.0
// The link of one run to the hosts that it was granted: a network namespace with nothing but a
// loopback, one listening socket in it, and a proxy process outside that owns the socket.
// docs/adr/0030-egress.md says why it is made like this.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "egress/config.h"
#include "policy/gate.h"
#include "sandbox/result.h"

namespace vortex::sandbox {

// What of the node matters to every link.
struct EgressOptions {
  // vortex-egress-proxy; empty: looked for beside the running program and in /usr/libexec/vortex.
  std::string proxy_program;
  // Answers that come before DNS, and name servers other than those of /etc/resolv.conf.
  std::map<std::string, std::vector<std::string>> hosts;
  std::vector<std::string> dns_servers;
  egress::ProxyLimits limits;
};

// Tells the shim whose namespace the spec names; it must find it as it should be.
inline constexpr char kEgressAnnotation[] = "io.vortex.egress";
inline constexpr char kEgressByProxy[] = "proxy";

// In a run directory.
std::string EgressNamespacePath(const std::string& run_dir);

// What a plugin finds in its environment, "NAME=VALUE".
std::vector<std::string> EgressEnvironment();

class EgressLink {
 public:
  // Everything is there and the proxy serves when this returns.
  //   uid  who the proxy becomes: a host id that nobody else has
  static absl::StatusOr<std::unique_ptr<EgressLink>> Start(const EgressOptions& options,
                                                           const policy::Grant& grant,
                                                           const std::string& run_dir, uid_t uid);
  // Kills the proxy and unpins the namespace.
  ~EgressLink();
  EgressLink(const EgressLink&) = delete;
  EgressLink& operator=(const EgressLink&) = delete;

  // Ends the proxy and takes its records: result.egress and the denials that it saw. Once.
  void Finish(SandboxResult& result);

  pid_t proxy_pid() const { return pid_; }

 private:
  explicit EgressLink(std::string namespace_path) : namespace_path_(std::move(namespace_path)) {}
  absl::Status StartProxy(const std::string& program, base::UniqueFd listener,
                          const egress::Config& config);
  absl::Status AwaitReady();
  // Closes our side and waits; kills it when it does not go. How it ended, for a person.
  std::string AwaitEnd();

  std::string namespace_path_;
  base::UniqueFd control_;
  base::UniqueFd pidfd_;
  pid_t pid_ = 0;
};

}  // namespace vortex::sandbox
