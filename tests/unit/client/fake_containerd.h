// SPDX-License-Identifier: Apache-2.0
// An in-process gRPC server on a unix socket, for faults that a real containerd does not show on
// demand.
#pragma once

#include <grpcpp/server.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "containerd/services/images/v1/images.grpc.pb.h"
#include "containerd/services/leases/v1/leases.grpc.pb.h"
#include "containerd/services/tasks/v1/tasks.grpc.pb.h"
#include "containerd/services/version/v1/version.grpc.pb.h"

namespace vortex::testing {

class FakeContainerd {
 public:
  // What the next calls answer; null: OK. Runs in the server's threads.
  using Behaviour = std::function<grpc::Status(grpc::ServerContext&)>;

  FakeContainerd();
  ~FakeContainerd();
  const std::string& address() const { return address_; }
  // Ends the server, cancelling what is in flight; Start brings it back at the same address.
  void Stop();
  void Start();

  Behaviour on_image_list;
  Behaviour on_image_create;
  Behaviour on_lease_create;
  Behaviour on_wait;
  std::atomic<int> image_lists{0};
  std::atomic<int> image_creates{0};
  // Size of the label value that the answer to an image list carries.
  std::atomic<std::size_t> image_label_bytes{0};
  // Metadata of the last image list.
  std::string seen_namespace;
  std::string seen_lease;

 private:
  struct Services;
  std::string dir_;
  std::string address_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace vortex::testing
