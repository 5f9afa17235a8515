// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <unistd.h>

#include "base/status.h"
#include "client/client.h"
#include "client/images.h"
#include "client/version.h"
#include "sandbox/runtime_classes.h"

namespace vortex::python {
namespace {

constexpr std::chrono::milliseconds kTimeout{5000};

}  // namespace

absl::Status CheckReady(const sandbox::EmbeddedOptions& options) {
  if (::geteuid() != 0) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "running as uid {}; the embedded runner needs root on the node", ::geteuid());
  }
  VX_RETURN_IF_ERROR(sandbox::FindReady(options.classes, options.classes.default_class).status());
  client::ConnectOptions connect;
  connect.address = options.address;
  connect.containerd_namespace = options.containerd_namespace;
  VX_ASSIGN_OR_RETURN(const auto client, client::Client::Connect(connect));
  client::CallOptions call;
  call.timeout = kTimeout;
  VX_RETURN_IF_ERROR(client->version().Get(call).status());
  const auto image = client->images().Get(options.image, call);
  if (absl::IsNotFound(image.status())) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "image {} is not in containerd; build and import it: vortexctl image build",
                 options.image);
  }
  return image.status();
}

}  // namespace vortex::python
