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

// Which of them a plugin gets is the gate's business. When there is none, the default's reason is
// told.
absl::Status CheckAnyClass(const sandbox::RuntimeClassTable& classes) {
  for (const sandbox::RuntimeClassInfo& row : classes.rows) {
    if (sandbox::FindReady(classes, row.runtime_class).ok()) return absl::OkStatus();
  }
  return sandbox::FindReady(classes, classes.default_class).status();
}

}  // namespace

absl::Status CheckReady(const sandbox::EmbeddedOptions& options) {
  if (::geteuid() != 0) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "running as uid {}; the embedded runner needs root on the node", ::geteuid());
  }
  VX_RETURN_IF_ERROR(CheckAnyClass(options.classes));
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
