// SPDX-License-Identifier: Apache-2.0
// A containerd client for any C++ program: it knows nothing of plugins or policy.
//
//   VX_ASSIGN_OR_RETURN(auto client, client::Client::Connect({.address =
//   "/run/containerd/containerd.sock",
//                                                             .containerd_namespace = "example"}));
//   VX_ASSIGN_OR_RETURN(auto version, client->version().Get());
//
// Works with containerd 1.6 to 2.x. Every call blocks the calling thread, takes CallOptions
// (deadline, cancellation, lease) and returns absl::Status with containerd's code and words,
// prefixed with what was tried on which object: "create task web-1: …".
//   Codes    NotFound, AlreadyExists, FailedPrecondition, InvalidArgument as containerd says;
//            Unavailable: containerd is not reachable; DeadlineExceeded: outcome unknown;
//            Cancelled.
//   Retries  only for calls that change nothing (Get, List, Info, Status, Stat …) and for
//   Content::Write,
//            which resumes; only on Unavailable, within the same deadline, for at most 1.6 s.
//   Threads  a Client and its services are thread-safe; share one per process, the connection is
//   reused. fork     gRPC's threads do not survive fork(2): do not fork after Connect without exec.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/containers.h"
#include "client/content.h"
#include "client/diff.h"
#include "client/events.h"
#include "client/images.h"
#include "client/introspection.h"
#include "client/leases.h"
#include "client/namespaces.h"
#include "client/snapshots.h"
#include "client/tasks.h"
#include "client/types.h"
#include "client/version.h"

namespace vortex::client {

struct ConnectOptions {
  // Path of containerd's gRPC socket (unix). "unix:///path" is accepted too.
  std::string address = "/run/containerd/containerd.sock";
  // Sent with every call as "containerd-namespace". Must match [A-Za-z0-9]+([._-][A-Za-z0-9]+)*, ≤
  // 76 characters (containerd identifiers.Validate).
  std::string containerd_namespace = "default";
  // How long Connect waits for the first answer.
  std::chrono::milliseconds timeout{5'000};
  // Ends Connect early with Cancelled. Not owned; may be null. Not used after Connect.
  base::Cancellation* cancel = nullptr;
};

class Client {
 public:
  // Checks the socket with connect(2) first, so that the usual mistakes have a clear message:
  //   NotFound          no such socket (is containerd running?)
  //   PermissionDenied  the socket may not be opened (run as root or join its group)
  //   Unavailable       nobody listens, or what listens does not answer in time
  //   InvalidArgument   bad namespace or address, or what is there is not a socket
  static absl::StatusOr<std::shared_ptr<Client>> Connect(const ConnectOptions& options);
  ~Client();

  const ConnectOptions& options() const;

  // A client for another namespace over the same connection.
  //   Errors  InvalidArgument: bad namespace.
  absl::StatusOr<std::shared_ptr<Client>> InNamespace(
      const std::string& containerd_namespace) const;

  Version& version();
  Introspection& introspection();
  Namespaces& namespaces();
  Leases& leases();
  Content& content();
  Images& images();
  Diff& diff();
  Snapshots& snapshots();
  Containers& containers();
  Tasks& tasks();
  Events& events();

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vortex::client
